#!/usr/bin/env python3
"""Makes crates/intel/data/crawler_names.txt: crawler names that are plain text in a free list.

Usage: npm pack crawler-user-agents && tar xzf crawler-user-agents-*.tgz
       crawler_names.py package/crawler-user-agents.json package/package.json > crates/intel/data/crawler_names.txt

Only patterns that are plain text are taken (no character classes, no look-around). Names that the
general words already find are left out, and so are names that people's software has too.
"""

import json
import re
import sys

# Found by the general words, so not needed here.
GENERAL = re.compile(r"bot|crawl|spider|scrap|fetch|preview|monitor|check|feed|search|scanner|archiv|https?:", re.I)

# Also names of people's software, of telephones, or too short to be safe.
PEOPLES = {
    "okhttp", "coccoc", "viber", "sonic", "fluid", "fever", "trove", "genieo", "butterfly", "magellan", "red/",
    "make/", "buck/", "yak/", "code/1.", "current", "notion/", "tumblr/", "fetch/", "008/", "ds9", "nitro-",
    "metaiab facebook", "grammarly/", "overcast/", "pocketcasts/", "upday/", "goodreads", "paypal/", "seekport",
    "speedy", "charlotte", "radar", "bluesky/", "chirp", "opera/", "silk/", "btwebclient", "dlc/", "wsm/",
    "blackboard", "nextcloud", "gopay", "linko", "moreover", "expanse", "convera", "retool/",
    "ap3a.240617.008", "crazy egg", "noibu", "mail.ru", "salesforce.com", "capitaloneshopping", "trae/",
}


def literal(pattern: str):
    """Returns (edge, text) when the pattern is plain text, else None."""
    edge = "left"
    if pattern.startswith("^"):
        edge, pattern = "head", pattern[1:]
    if pattern.startswith("(^| )"):
        pattern = pattern[5:]
    pattern = re.sub(r"\[(\w)(\w)\]", lambda m: m[1] if m[1].lower() == m[2].lower() else m[0], pattern)
    text = re.sub(r"\\([./+()?-])", r"\1", pattern)
    if re.search(r"[\[\]|*?^$+\\]|\(\?", re.sub(r"\\[./+()?-]", "", pattern)):
        return None
    text = text.strip().lower()
    if edge == "left" and len(text) <= 6 and text[-1].isalnum():
        edge = "word"
    return edge, text


def main(list_path: str, package_path: str) -> None:
    """Reads the list and prints the table."""
    version = json.load(open(package_path, encoding="utf8"))["version"]
    names = set()
    for entry in json.load(open(list_path, encoding="utf8")):
        made = literal(entry["pattern"])
        if made and len(made[1]) >= 3 and not GENERAL.search(made[1]) and made[1] not in PEOPLES:
            names.add(made)
    print("# Made by crates/intel/scripts/crawler_names.py; do not edit.")
    print(f"# Source: npm package crawler-user-agents {version}, licence MIT, copyright Martin Monperrus and contributors.")
    print("# Columns: edge (head, left, word), name in lower case.")
    for edge, text in sorted(names, key=lambda n: n[1]):
        print(f"{edge}\t{text}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])

#!/usr/bin/env python3
"""Fits the points that tell hosting networks from access networks by name and structure.

No list is copied: what comes out are weights of general words (seen in at least
MIN_SEEN networks), of countries and of size and spread, rounded to whole points.

In:  the two packages build_networks.py reads, and two labelled lists of networks,
     `number<TAB>name`, hosting and access, which stay outside the repository.
Out: ../data/network_points.tsv, read by src/ip/points.rs.

Use: fit_names.py DIR_WITH_TGZ HOSTING.tsv ACCESS.tsv   (needs scikit-learn)
"""

import bisect
import collections
import math
import pathlib
import re
import sys
import unicodedata

import build_networks as networks

OUT = pathlib.Path(__file__).resolve().parent.parent / "data" / "network_points.tsv"
MIN_SEEN = 9
SCALE = 20
# Pieces that names glue to others ("webhost", "fibernet"), looked for anywhere.
PIECES = """host server cloud data center centre dedic colo vps vpn virtual node tele fib cable net web
isp link wifi wi-fi band univ school colleg bank wireless mobil cell internet provedor conect connect
comunic communic broad rack byte bit hub soft tech digital system secur media game gaming crypto
proxy stack metal compute hizmet telekom elect hosp munic govern coop ltda""".split()


def words(name):
    text = unicodedata.normalize("NFKD", name)
    text = "".join(c for c in text if not unicodedata.combining(c)).lower()
    return re.findall(r"[a-z0-9]+", text)


def bits(number):
    return int(number).bit_length()


class Network:
    def __init__(self, number, name):
        self.number, self.name = number, name
        self.runs = self.addresses = self.slash24 = self.v6 = self.v6_max = 0
        self.countries, self.eighths = collections.Counter(), set()

    def features(self):
        out = {f"size:{bits(self.addresses)}", f"runs:{min(8, bits(self.runs))}"}
        known = [c for c in self.countries if c]
        out.add(f"countries:{min(5, len(known))}")
        out.add(f"spread:{min(6, bits(len(self.eighths)))}")
        if self.runs >= 3:
            out.add(f"scatter:{4 * len(self.eighths) // self.runs}")
            out.add(f"slash24:{4 * self.slash24 // self.runs}")
        if self.addresses:
            out.add(f"mean:{bits(self.addresses // self.runs)}")
            main = max(self.countries.values())
            out.add(f"main:{4 * main // self.addresses}")
        out.add(f"v6:{min(5, bits(self.v6))}")
        out.add(f"v6max:{min(17, bits(self.v6_max >> 16))}")
        out.add(f"number:{bits(self.number)}" if self.number < 1 << 17 else f"number:{self.number // 50000}e")
        if self.countries:
            # The first of equals in table order, as the reader does.
            out.add(f"country:{max(sorted(k or '' for k in self.countries), key=lambda c: self.countries[c or None])}")
        found = words(self.name)
        out.update(f"word:{w}" for w in found)
        glued = "".join(found)
        out.update(f"piece:{p}" for p in PIECES if p in glued)
        out.add(f"words:{min(6, len(found))}")
        return out


def load(directory):
    """All networks with their structure, runs of one network joined as the tables do."""
    tables = {k: networks.fetch(directory, p) for k, (p, _) in networks.PACKAGES.items()}
    starts, places = [], []
    for first, last, value in networks.rows(tables["country"], networks.PACKAGES["country"][1].format(4), 4):
        starts.append(first)
        places.append((last, value[0]))
    found = {}
    for family in (4, 6):
        before = None
        for first, last, (number, name) in networks.rows(tables["asn"], networks.PACKAGES["asn"][1].format(family), family):
            network = found.setdefault(int(number), Network(int(number), name))
            size = last - first + 1
            if family == 6:
                network.v6 += 1
                network.v6_max = max(network.v6_max, size)
                continue
            at = bisect.bisect_right(starts, first) - 1
            country = places[at][1] if at >= 0 and places[at][0] >= first else None
            network.runs += 1
            network.addresses += size
            network.slash24 += size == 256
            network.countries[country] += size
            network.eighths.add(first >> 24)
    return found


def main():
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict
    import numpy as np

    found = load(pathlib.Path(sys.argv[1]))
    labels = {}
    for path, label in ((sys.argv[3], 0), (sys.argv[2], 1)):
        for line in open(path, encoding="utf-8"):
            number = int(line.split("\t")[0])
            if number in found:
                labels[number] = label
    numbers = sorted(labels, key=lambda n: (n * 2654435761) & 0xFFFFFFFF)
    y = np.array([labels[n] for n in numbers])
    rows = [found[n].features() for n in numbers]
    seen = collections.Counter(f for row in rows for f in row)
    keep = {f for f, n in seen.items() if n >= MIN_SEEN}
    # Single letters and bare numbers are not words.
    keep = {f for f in keep if not re.fullmatch(r"word:([a-z]|\d+)", f)}
    vector = DictVectorizer()
    X = vector.fit_transform([{f: 1 for f in row & keep} for row in rows])
    model = LogisticRegression(C=0.15, max_iter=1000)
    p = cross_val_predict(model, X, y, cv=5, method="decision_function")
    report(found, numbers, y, p)
    model.fit(X, y)
    points = {f: round(SCALE * w) for f, w in zip(vector.get_feature_names_out(), model.coef_[0])}
    base = round(SCALE * float(model.intercept_[0]))
    with open(OUT, "w", encoding="utf-8") as out:
        out.write("# Points for hosting (positive) and access (negative), 20 to a factor of e; by scripts/fit_names.py.\n")
        out.write(f"base\t{base}\n")
        for feature, weight in sorted(points.items()):
            if weight:
                out.write(f"{feature}\t{weight}\n")
    print(len(points), "features, base", base)


def report(found, numbers, y, p):
    import numpy as np

    addresses = np.array([found[n].addresses for n in numbers])
    for t in np.arange(-60, 40, 5):
        hit = p * SCALE > t
        caught, wrong = hit[y == 1].mean(), hit[y == 0].mean()
        big = (addresses > 1 << 17) & (y == 0)
        print(f"points > {t}: hosting {caught:.3f}, access {wrong:.4f}, access over 2^17 addresses {hit[big].mean():.4f}")


if __name__ == "__main__":
    main()

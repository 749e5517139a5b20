#!/usr/bin/env python3
"""Writes src/filters/locale_mismatch/offsets.rs: every country's offsets from UTC.

From the public-domain time-zone data of this machine (zone.tab and the zones themselves),
at the middle of each month of one year, so that summer time is in it.
"""
import collections
import datetime
import pathlib
import zoneinfo

YEAR = 2026
TABLE = pathlib.Path("/usr/share/zoneinfo/zone.tab")
OUT = pathlib.Path(__file__).parent.parent / "src/filters/locale_mismatch/offsets.rs"

offsets = collections.defaultdict(set)
for line in TABLE.read_text().splitlines():
    if line.startswith("#"):
        continue
    country, _, zone = line.split("\t")[:3]
    for month in range(1, 13):
        at = datetime.datetime(YEAR, month, 15, 12, tzinfo=zoneinfo.ZoneInfo(zone))
        offsets[country].add(int(at.utcoffset().total_seconds() // 60))

rows = "".join(f'    (*b"{country}", &{sorted(minutes)}),\n' for country, minutes in sorted(offsets.items()))
OUT.write_text(
    "//! Minutes ahead of UTC that a country's clocks show in the course of a year; written by\n"
    "//! `scripts/offsets.py`.\n\n"
    f"/// By country code, ascending.\npub const OFFSETS: &[([u8; 2], &[i16])] = &[\n{rows}];\n"
)

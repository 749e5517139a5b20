#!/usr/bin/env python3
"""Builds crates/intel/data/networks.bin.gz: address -> network and country.

Knowing the operator of every announced prefix with no download is what makes
the network-name rules work out of the box.

In:  two freely licensed npm packages, fetched with `npm pack`:
     @ip-location-db/asn                    CC BY 4.0 (RouteViews, DB-IP, NRO)
     @ip-location-db/geo-whois-asn-country  CC0-1.0
Out: ../data/networks.bin.gz, read by src/ip/builtin/networks.rs.

Use: python3 build_networks.py [DIR with the two .tgz files]
"""

import csv
import gzip
import io
import pathlib
import subprocess
import sys
import tarfile
import tempfile

PACKAGES = {
    "asn": ("@ip-location-db/asn", "asn-ipv{}-num.csv"),
    "country": ("@ip-location-db/geo-whois-asn-country", "geo-whois-asn-country-ipv{}-num.csv"),
}
OUT = pathlib.Path(__file__).resolve().parent.parent / "data" / "networks.bin.gz"
NAME_MAX = 96


def fetch(directory, package):
    """Returns the package's tarball, packing it with npm when it is not there."""
    stem = package.lstrip("@").replace("/", "-")
    found = sorted(directory.glob(f"{stem}-[0-9]*.tgz"))
    if not found:
        subprocess.run(["npm", "pack", "-s", package], cwd=directory, check=True)
        found = sorted(directory.glob(f"{stem}-[0-9]*.tgz"))
    return found[-1]


def rows(tarball, member, family):
    """Yields (first, last, value columns), IPv6 cut to its upper 64 bits, equal neighbours joined."""
    with tarfile.open(tarball) as tar:
        text = io.TextIOWrapper(tar.extractfile(f"package/{member}"), encoding="utf-8")
        before = None
        for line in csv.reader(text):
            first, last, value = int(line[0]), int(line[1]), tuple(line[2:])
            if family == 6:
                first, last = first >> 64, last >> 64
            if before and first <= before[1]:
                first = before[1] + 1
            if first > last:
                continue
            if before and before[2] == value and first == before[1] + 1:
                before = (before[0], last, value)
                continue
            if before:
                yield before
            before = (first, last, value)
        if before:
            yield before


def varint(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return out


def gap_code(gap):
    """0 for none, 1 + bit for a power of two, 255 + varint otherwise."""
    if gap == 0:
        return b"\0"
    if gap & (gap - 1) == 0:
        return bytes([gap.bit_length()])
    return b"\xff" + varint(gap)


def section(data):
    return len(data).to_bytes(4, "little") + bytes(data)


def ranges(entries, index):
    """Encodes ranges as three columns: gaps, lengths, values in byte planes."""
    gaps, sizes, values = bytearray(), bytearray(), []
    at = 0
    for first, last, value in entries:
        gaps += gap_code(first - at)
        sizes += gap_code(last - first + 1)
        values.append(index[value])
        at = last + 1
    planes = b"".join(bytes(v >> shift & 0xFF for v in values) for shift in (0, 8, 16))
    return section(len(values).to_bytes(4, "little")) + section(gaps) + section(sizes) + section(planes)


def main():
    directory = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(tempfile.mkdtemp())
    tables, versions = {}, {}
    for what, (package, member) in PACKAGES.items():
        tarball = fetch(directory, package)
        versions[what] = tarball.stem.rsplit("-", 1)[1]
        for family in (4, 6):
            tables[what, family] = list(rows(tarball, member.format(family), family))
            print(f"{package} {versions[what]} ipv{family}: {len(tables[what, family])} ranges")

    networks = {}
    for family in (4, 6):
        for _, _, (number, name) in tables["asn", family]:
            networks.setdefault(int(number), " ".join(name.split())[:NAME_MAX])
    numbers = sorted(networks)
    place = {number: i for i, number in enumerate(numbers)}
    countries = sorted({v[0] for f in (4, 6) for _, _, v in tables["country", f]})

    out = bytearray(b"ASSAYNET1\n")
    out += section(f"{versions['asn']}\n{versions['country']}".encode())
    deltas = bytearray()
    before = 0
    for number in numbers:
        deltas += varint(number - before)
        before = number
    out += section(deltas)
    out += section("\n".join(networks[n] for n in numbers).encode())
    out += section("".join(countries).encode())
    for family in (4, 6):
        entries = [(a, b, int(v[0])) for a, b, v in tables["asn", family]]
        out += ranges(entries, place)
    index = {(c,): i for i, c in enumerate(countries)}
    for family in (4, 6):
        out += ranges(tables["country", family], index)
    with open(OUT, "wb") as raw, gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=9, mtime=0) as gz:
        gz.write(out)
    print(f"{len(numbers)} networks, {len(countries)} countries, {len(out)} bytes, {OUT.stat().st_size} packed")


if __name__ == "__main__":
    main()

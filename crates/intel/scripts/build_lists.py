#!/usr/bin/env python3
"""Builds crates/intel/data/lists.tsv: clouds, hosting, VPN, relay, crawlers known by heart.

Networks are picked by the operator's name in the freely licensed package
@ip-location-db/asn; their IPv4 and IPv6 blocks follow from networks.bin.gz, so a
provider's new block is known as soon as that file is refreshed. Ranges are what
the operators themselves publish in their documentation.

Use: python3 build_lists.py [DIR with the .tgz file]
"""

import pathlib
import re
import sys
import tempfile

import build_networks as networks

OUT = pathlib.Path(__file__).resolve().parent.parent / "data" / "lists.tsv"

# kind, label, pattern of the operator's name
OPERATORS = [
    ("cloud", "amazon", r"^amazon(\.com,? inc|\.com tech| data services| technologies|\.com services)"),
    ("cloud", "google", r"^google(,? llc| cloud| ireland| asia| switzerland| singapore)"),
    ("cloud", "microsoft", r"^microsoft (corporation|limited|deutschland|singapore|mobile alliance)"),
    ("cloud", "oracle", r"^oracle (corporation|svenska|america)"),
    ("cloud", "alibaba", r"alibaba (cloud|\(us\)|advertising)|hangzhou alibaba|aliyun|taobao"),
    ("cloud", "tencent", r"\btencent\b|^aceville"),
    ("cloud", "digitalocean", r"^digitalocean"),
    ("cloud", "linode", r"^linode|^akamai connected"),
    ("cloud", "vultr", r"^the constant company|^vultr\b|^choopa"),
    ("cloud", "hetzner", r"^hetzner"),
    ("cloud", "ovh", r"^ovh\b"),
    ("cloud", "scaleway", r"^scaleway"),
    ("cloud", "ibm", r"^ibm cloud|^softlayer"),
    ("cloud", "huawei", r"^huawei cloud"),
    ("cloud", "yandex", r"^yandex\.cloud"),
    ("hosting", "cloudflare", r"^cloudflare"),
    ("hosting", "fastly", r"^fastly"),
    ("hosting", "m247", r"^m247"),
    ("hosting", "datacamp", r"^datacamp limited"),
    ("hosting", "leaseweb", r"^leaseweb"),
    ("hosting", "contabo", r"^contabo"),
    ("hosting", "ionos", r"^ionos|^1&1 ionos"),
    ("hosting", "hostroyale", r"^hostroyale"),
    ("hosting", "hostinger", r"^hostinger"),
    ("hosting", "godaddy", r"^godaddy"),
    ("hosting", "rackspace", r"^rackspace"),
    ("hosting", "gcore", r"^g-core|^gcore"),
    ("hosting", "selectel", r"selectel"),
    ("hosting", "clouvider", r"^clouvider"),
    ("hosting", "performive", r"^performive"),
    ("hosting", "zenlayer", r"^zenlayer"),
    ("hosting", "psychz", r"^psychz"),
    ("hosting", "quadranet", r"^quadranet"),
    ("hosting", "frantech", r"^frantech"),
    ("hosting", "worldstream", r"^worldstream"),
    ("hosting", "netcup", r"^netcup"),
    ("hosting", "upcloud", r"^upcloud"),
    ("hosting", "latitude", r"^latitude\.sh"),
    ("hosting", "aruba", r"^aruba s\.?p\.?a"),
    ("hosting", "baidu", r"baidu netcom"),
    ("hosting", "gmo", r"^gmo (internet|globalsign|cloud)"),
    ("hosting", "sakura", r"^sakura internet"),
    ("hosting", "byteplus", r"^byteplus|^beijing volcano"),
    ("vpn", "nordvpn", r"^packethub|^tefincom|nordvpn"),
    ("vpn", "mullvad", r"^31173 services|^mullvad"),
    ("vpn", "proton", r"^proton ag\b|^proton internet"),
    ("vpn", "windscribe", r"^windscribe"),
    ("vpn", "", r"\bvpn ltd|castle vpn"),
]

# Ranges and networks whose operator is not told by the name.
FIXED = [
    ("relay", "172.224.0.0/14", "icloud"),
    ("relay", "104.28.0.0/16", "icloud"),
    ("relay", "140.248.0.0/16", "icloud"),
    ("relay", "146.75.0.0/16", "icloud"),
    ("relay", "2606:54c0::/29", "icloud"),
    ("relay", "2a02:26f7::/32", "icloud"),
    ("relay", "2a04:4e41::/32", "icloud"),
    ("relay", "2a09:bac0::/29", "icloud"),
    ("cloud", "AS63949", "linode"),
    # AWS in China is run by others.
    ("cloud", "AS55960", "amazon"),
    ("cloud", "AS135629", "amazon"),
    # Blocks the registries gave these operators whole: parts of them are announced by others, or not yet.
    ("cloud", "2400:6500::/32", "amazon"),
    ("cloud", "2400:6700::/32", "amazon"),
    ("cloud", "2400:7fc0::/32", "amazon"),
    ("cloud", "2403:b300::/32", "amazon"),
    ("cloud", "2404:c2c0::/32", "amazon"),
    ("cloud", "2406:da00::/24", "amazon"),
    ("cloud", "240f:8000::/24", "amazon"),
    ("cloud", "2600:1f00::/24", "amazon"),
    ("cloud", "2600:9000::/28", "amazon"),
    ("cloud", "2605:9cc0::/32", "amazon"),
    ("cloud", "2606:7b40::/32", "amazon"),
    ("cloud", "2620:107:3000::/44", "amazon"),
    ("cloud", "2620:107:4000::/44", "amazon"),
    ("cloud", "2a01:578::/32", "amazon"),
    ("cloud", "2a05:d000::/25", "amazon"),
    ("cloud", "15.230.0.0/16", "amazon"),
    ("cloud", "150.222.0.0/16", "amazon"),
    ("cloud", "52.82.0.0/16", "amazon"),
    ("cloud", "54.222.0.0/16", "amazon"),
    ("cloud", "2600:1900::/28", "google"),
    ("cloud", "2603:1000::/24", "microsoft"),
    ("cloud", "2620:1ec::/36", "microsoft"),
    ("cloud", "2a01:110::/31", "microsoft"),
    ("cloud", "2404:f800::/31", "microsoft"),
    ("cloud", "2603:c000::/24", "oracle"),
    ("cloud", "2400:3200::/32", "alibaba"),
    ("cloud", "2401:b180::/32", "alibaba"),
    ("cloud", "2408:4000::/22", "alibaba"),
    ("cloud", "240b:4000::/32", "alibaba"),
    ("cloud", "2402:4e00::/32", "tencent"),
    ("cloud", "2400:6180::/32", "digitalocean"),
    ("cloud", "2604:a880::/32", "digitalocean"),
    ("cloud", "2a03:b0c0::/32", "digitalocean"),
    ("cloud", "2400:8900::/29", "linode"),
    ("cloud", "2600:3c00::/27", "linode"),
    ("cloud", "2a01:7e00::/29", "linode"),
    ("cloud", "2001:19f0::/32", "vultr"),
    ("cloud", "2401:c080::/32", "vultr"),
    ("cloud", "2a05:f480::/32", "vultr"),
    ("cloud", "2a01:4f8::/31", "hetzner"),
    ("cloud", "2a01:4ff::/32", "hetzner"),
    ("cloud", "2001:41d0::/32", "ovh"),
    ("cloud", "2402:1f00::/32", "ovh"),
    ("cloud", "2607:5300::/32", "ovh"),
    ("cloud", "2001:bc8::/32", "scaleway"),
    ("crawler", "66.249.64.0/19", "googlebot"),
    ("crawler", "2001:4860:4801::/48", "googlebot"),
    ("crawler", "40.77.139.0/25", "bingbot"),
    ("crawler", "40.77.167.0/24", "bingbot"),
    ("crawler", "40.77.188.0/22", "bingbot"),
    ("crawler", "157.55.39.0/24", "bingbot"),
    ("crawler", "207.46.13.0/24", "bingbot"),
    ("crawler", "199.30.24.0/23", "bingbot"),
    ("crawler", "13.66.139.0/24", "bingbot"),
    ("crawler", "52.167.144.0/24", "bingbot"),
    ("crawler", "17.241.0.0/16", "applebot"),
    ("crawler", "31.13.24.0/21", "facebookexternalhit"),
    ("crawler", "69.171.224.0/19", "facebookexternalhit"),
    ("crawler", "173.252.64.0/18", "facebookexternalhit"),
    ("crawler", "5.255.253.0/24", "yandexbot"),
    ("crawler", "87.250.224.0/24", "yandexbot"),
    ("crawler", "95.108.213.0/24", "yandexbot"),
    ("crawler", "180.76.15.0/24", "baiduspider"),
    ("crawler", "114.119.128.0/19", "petalbot"),
    ("crawler", "54.236.1.0/24", "pinterestbot"),
]


def main():
    directory = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(tempfile.mkdtemp())
    package, member = networks.PACKAGES["asn"]
    tarball = networks.fetch(directory, package)
    names = {}
    for family in (4, 6):
        for _, _, (number, name) in networks.rows(tarball, member.format(family), family):
            names.setdefault(int(number), name)
    rows = list(FIXED)
    for kind, label, pattern in OPERATORS:
        found = sorted(n for n, name in names.items() if re.search(pattern, name, re.IGNORECASE))
        if not found:
            print(f"no network for {label}: {pattern}")
        rows += [(kind, f"AS{n}", label) for n in found]
    with open(OUT, "w", encoding="utf-8") as out:
        out.write("# kind, entry, label: by scripts/build_lists.py; AS numbers by operator names of\n")
        out.write("# @ip-location-db/asn (CC BY 4.0: RouteViews, DB-IP, NRO), ranges as operators publish them.\n")
        for row in rows:
            out.write("\t".join(row) + "\n")
    print(len(rows), "rows")


if __name__ == "__main__":
    main()

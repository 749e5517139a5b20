#!/usr/bin/env python3
"""Builds crates/intel/data/mobile_networks.tsv: networks that carry telephones.

Thousands of people share one address behind a mobile carrier's gateway, and few carriers' names say
"mobile". The numbers are public facts (carriers' own pages, looking glasses, PeeringDB), written by
hand; each is kept only when its operator's name in the freely licensed package @ip-location-db/asn
(CC BY 4.0: RouteViews, DB-IP, NRO) still fits, so that a number that went to someone else drops out. Networks that are mostly fixed lines
are left out, though telephones are on them too.

Use: python3 build_mobile.py [DIR with the .tgz file]
"""

import pathlib
import re
import sys
import tempfile

import build_networks as networks

OUT = pathlib.Path(__file__).resolve().parent.parent / "data" / "mobile_networks.tsv"

# what the operator's name must hold, numbers
CARRIERS = [
    # America
    ("cellco|verizon", (22394, 6167)),
    ("t-?mobile", (21928, 6614, 12912, 13036, 8412)),
    ("at&t|mobility", (20057,)),
    ("telefonica|vivo", (26599, 22927, 35228, 6805)),
    ("tim s|tim cel|telecom italia|tim ", (26615, 16232)),
    ("claro|comcel|comunicacion celular", (22085, 26611)),
    ("radiomovil|telcel", (28403,)),
    ("colombia movil|tigo", (27831,)),
    ("wom", (52341,)),
    ("entel", (21575,)),
    # Europe
    ("vodafone|vf ukraine", (25135, 3209, 16019, 12302, 15897, 38266, 55410, 133612, 21497)),
    ("hutchison|h3g|hi3g|drei", (206067, 60339, 25255, 44034, 45727)),
    ("free mobile", (51207,)),
    ("wind", (24608,)),
    ("xfera|yoigo|masmovil", (16299,)),
    ("meo|tmn", (42863,)),
    ("orange|medi|mobinil", (47377, 15962, 8953, 37069, 36925)),
    ("p4 |play", (39603,)),
    ("polkomtel|plus", (8374,)),
    ("telenor", (24499,)),
    ("megafon", (31133, 25159, 31163, 31195, 31205, 31208, 31213, 31224)),
    ("vimpel|beeline|kar-tel", (16345, 206026)),
    ("t2|tele2|mobile telecom-service", (12958, 15378, 41330, 42437, 39374, 48503)),
    ("kyivstar", (15895,)),
    ("lifecell", (34058,)),
    ("turkcell", (16135,)),
    ("avea|tt mobil", (20978,)),
    # Middle East and Africa
    ("pelephone", (16116,)),
    ("partner", (12400,)),
    ("mobily|etihad etisalat", (35819,)),
    ("zain|mtc|mobile telecommunication", (43766, 42961)),
    ("etisalat|emerging markets", (36992, 37076)),
    ("mtn|scancom|iran ?cell", (29465, 16637, 30986, 44244)),
    ("globacom", (37148,)),
    ("airtel|celtel|bharti", (36873, 36926, 45609)),
    ("safaricom", (33771, 37061)),
    ("cell c", (37168,)),
    ("vodacom", (29975, 36908)),
    ("wataniya|ooredoo", (33779,)),
    ("optimum|djezzy", (327931,)),
    ("mobile communication|mci", (197207,)),
    ("rightel", (57218,)),
    ("magti", (16010,)),
    ("azercell", (31721,)),
    ("kcell", (29355,)),
    # Asia and Australia
    ("jio", (55836,)),
    ("idea", (45271, 55644)),
    ("mobilink|jazz|pakistan mobile", (45669,)),
    ("cmpak|zong", (59257,)),
    ("ufone|ptml", (56167,)),
    ("grameenphone", (24389,)),
    ("banglalink", (45245,)),
    ("robi|axiata|xl ", (24432, 24203)),
    ("dialog", (18001,)),
    ("telekomunikasi selular|telkomsel", (23693,)),
    ("globe", (132199,)),
    ("smart", (10139,)),
    ("advanced wireless|ais ", (131445,)),
    ("real future|realmove", (132061,)),
    ("total access|dtac", (24378,)),
    ("mobifone", (131429,)),
    ("celcom", (10030,)),
    ("binariang|maxis", (9534,)),
    ("digi", (4818,)),
    ("u mobile", (38466,)),
    ("docomo", (9605,)),
    ("rakuten mobile", (138384,)),
    ("sk telecom", (9644,)),
    ("lg u|lg powercomm|lg hello|lgtelecom", (17853,)),
    ("taiwan mobile", (24158,)),
    ("far ?eas", (9674,)),
    ("emome|chunghwa|mobile business", (17421,)),
]


def main():
    directory = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(tempfile.mkdtemp())
    package, member = networks.PACKAGES["asn"]
    tarball = networks.fetch(directory, package)
    names = {}
    for _, _, (number, name) in networks.rows(tarball, member.format(4), 4):
        names.setdefault(int(number), name)
    rows = {}
    for pattern, numbers in CARRIERS:
        for number in numbers:
            name = names.get(number, "")
            if re.search(pattern, name, re.IGNORECASE):
                rows[number] = name
            else:
                print(f"left out AS{number}: {name!r} is not {pattern}")
    with open(OUT, "w", encoding="utf-8") as out:
        out.write("# Networks that carry telephones, number and operator: by scripts/build_mobile.py.\n")
        for number, name in sorted(rows.items()):
            out.write(f"{number}\t{name}\n")
    print(len(rows), "networks")


if __name__ == "__main__":
    main()

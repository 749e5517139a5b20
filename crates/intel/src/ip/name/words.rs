//! Words in network names, in the languages operators write them.
//!
//! General words and public brands only; what a word weighs beyond a plain yes is
//! fitted in `points`.

/// Whole words or beginnings (`*`) that only sellers of servers use.
pub(super) const HOSTING: &[&str] = &[
    "hosting*", "webhost*", "host", "hosts", "hoster*", "hostings", "server", "servers", "serveur*",
    "servidor*", "datacenter*", "datacentre*", "datacentro*", "rechenzentrum", "cloud", "clouds",
    "cloudserver*", "vps", "vds", "dedicated", "dedi", "colo", "colocation*", "colocrossing",
    "baremetal", "metal", "serverel", "virtualserver*", "vserver", "vm", "compute", "computing",
    "barindirma", "bulut", "hospedagem", "hospedaje", "alojamiento", "alojamentos", "nube", "nuvem",
    "hebergement", "kvm", "racks", "rackspace", "paas", "iaas", "cdn", "edge", "proxies", "proxy",
];

/// Endings that glue to a brand: `acmehost`, `bytecloud`.
pub(super) const HOSTING_ENDS: &[&str] =
    &["host", "hosting", "hosts", "server", "servers", "cloud", "vps", "datacenter", "colo", "dedi"];

/// Well-known sellers of servers, in words of their names.
pub(super) const HOSTING_BRANDS: &[&str] = &[
    "amazon", "aws", "digitalocean", "linode", "vultr", "choopa", "hetzner", "ovh", "scaleway",
    "alibaba", "aliyun", "tencent", "oracle", "leaseweb", "contabo", "ionos", "strato", "godaddy",
    "dreamhost", "bluehost", "hostinger", "hostgator", "namecheap", "namesilo", "softlayer",
    "rackspace", "equinix", "packet", "digicube", "ikoula", "gandi", "netcup", "myloc", "keyweb",
    "hosteurope", "mittwald", "aruba", "seeweb", "upcloud", "kamatera", "interserver", "psychz",
    "quadranet", "sharktech", "nocix", "datashack", "wholesaleinternet", "hivelocity", "servermania",
    "servercentral", "serverius", "worldstream", "novoserve", "nforce", "transip", "i3d", "liteserver",
    "xneelo", "afrihost", "selectel", "timeweb", "reg", "beget", "firstvds", "firstbyte", "hostkey",
    "ruvds", "fornex", "mchost", "ihor", "m247", "datacamp", "cdn77", "gcore", "stark", "aeza",
    "pqhosting", "frantech", "buyvm", "ponynet", "racknerd", "colocrossing", "virmach", "greencloud",
    "hostwinds", "hostus", "ramnode", "dacentec", "joesdatacenter", "reliablesite", "performive",
    "tzulo", "zenlayer", "cogentco", "heficed", "cherryservers", "bacloud", "hostroyale", "hosthatch",
    "privatelayer", "solarvps", "veesp", "yandexcloud", "kazteleport", "gmo", "sakura", "conoha",
    "xserver", "bizland", "endurance", "newfold", "unifiedlayer", "liquidweb", "atlanticnet",
    "phoenixnap", "singlehop", "steadfast", "ubiquity", "nobis", "eonix", "enzu", "clouvider",
    "hydracom", "uk2", "poundhost", "redstation", "memset", "fasthosts", "krystal", "bytemark",
    "simplercloud", "ucloud", "ksyun", "kingsoft", "qingcloud", "baidu", "huaweicloud", "cloudsigma",
    "exoscale", "infomaniak", "hostpoint", "cyon", "civo", "katapult", "latitude", "maxihost",
    "locaweb", "uolhost", "binero", "glesys", "bahnhof", "internetbolaget", "zomro", "hostsailor",
    "routerhosting", "cloudzy", "ultahost", "webnx", "zare", "tsohost", "vpsnet", "vultrcloud",
    "incrediserve", "fdcservers", "ecatel", "alexhost", "trabia", "mivocloud", "vpsag", "bluevps",
    "melbicom", "servers", "railway", "vercel", "heroku", "fastly", "cloudflare", "akamai",
    "stackpath", "limelight", "edgecast", "bunnycdn", "wpengine", "kinsta", "automattic",
];

/// VPN sellers, in words of their names.
pub(super) const VPN: &[&str] = &[
    "vpn", "vpns", "nordvpn", "expressvpn", "surfshark", "mullvad", "protonvpn", "cyberghost",
    "windscribe", "tunnelbear", "ipvanish", "purevpn", "vyprvpn", "hidemyass", "privax", "anonine",
    "ovpn", "airvpn", "torguard", "perfectprivacy", "privateinternetaccess", "hotspotshield",
    "anchorfree", "strongvpn", "ivpn", "azirevpn", "privado", "zenmate", "kape", "tefincom",
    "31173", "owl", "hideme", "safervpn", "ipredator",
];

/// Mail systems that open every link of a message.
pub(super) const MAIL_SCANNERS: &[&str] = &[
    "proofpoint", "mimecast", "barracuda", "messagelabs", "mailprotector", "spamtitan", "titanhq",
    "vadesecure", "hornetsecurity", "retarus", "fireeye", "ironport", "mailguard", "mailspamprotection",
];

/// Gateways that whole companies browse through.
pub(super) const BUSINESS_GATEWAYS: &[&str] =
    &["zscaler", "netskope", "iboss", "forcepoint", "menlo", "cato", "bluecoat"];

/// Satellite access.
pub(super) const SATELLITE: &[&str] = &[
    "starlink", "spacex", "viasat", "hughes", "hughesnet", "eutelsat", "skylogic", "inmarsat",
    "iridium", "oneweb", "satellite", "intelsat", "globecast", "speedcast", "gilat",
];

/// Mobile access.
pub(super) const MOBILE: &[&str] = &[
    "mobile*", "mobil", "mobili*", "wireless", "cellular", "celular*", "cellco", "gsm", "lte", "movil*",
    "mobifone", "mobitel", "turkcell", "kyivstar", "vodacom", "safaricom", "mtn", "airtel", "jio",
    "sprint", "cricket", "tmobile", "hutchison", "hi3g", "docomo", "softbank", "globe", "smartfren",
    "telkomsel", "indosat", "viettel", "mobinil", "etisalat", "zain", "ooredoo", "megafon", "tele2",
    "beeline", "vimpelcom", "mts",
];

/// Schools, research, libraries.
pub(super) const EDUCATION: &[&str] = &[
    "universit*", "universid*", "universitas", "univ", "univerz*", "uniwersyt*", "college*", "colegio*",
    "school*", "schule*", "hochschule*", "fachhochschule", "ecole*", "escola*", "escuela*", "instituto",
    "institute*", "institut", "academ*", "akadem*", "education*", "educacion*", "educacao", "educat*",
    "research", "library", "libraries", "campus", "politecnico", "polytechnic*", "faculty", "lycee",
    "student*", "renater", "janet", "jisc", "surf", "surfnet", "internet2", "garr", "rediris",
    "belnet", "switch", "cenic", "geant", "rnp", "cernet", "nrens", "nren",
];

/// Fixed-line access: words of telecom trade.
pub(super) const ISP: &[&str] = &[
    "telecom*", "telekom*", "telecommunic*", "telecomunic*", "telefon*", "telephon*", "telcom*",
    "telco*", "telekommun*", "telenet*", "telenor", "telia*", "telstra", "telus", "telmex", "telkom*",
    "telemat*", "teledata", "broadband", "breitband*", "bredband*", "cable*", "kabel*", "cabo",
    "cablevision", "catv", "fiber*", "fibre*", "fibra*", "fibr", "ftth", "dsl", "adsl", "vdsl",
    "wifi", "wisp", "wimax", "isp", "provedor*", "proveedor*", "provider", "banda", "bandalarga",
    "larga", "comunicac*", "comunicaz*", "komunik*", "kommunik*", "multimidia", "rostelecom", "onelink",
    "internetservice", "utilities", "electric", "elektro", "cooperativ*", "coop", "rural", "stadtwerke",
    "stadtnetz*", "municipal", "community", "freifunk", "homenet", "residential", "televis*", "tv",
    "telebroad*", "acesso", "akses", "conexao", "conectividade", "iletisim", "haberlesme",
];

/// Names of large access operators: a claim about their whole network is not believed.
pub(super) const CARRIERS: &[&str] = &[
    "comcast", "charter", "verizon", "cox", "windstream", "centurylink", "lumen", "frontier",
    "mediacom", "suddenlink", "altice", "optimum", "cablevision", "rcn", "wideopenwest", "vodafone",
    "telefonica", "orange", "proximus", "swisscom", "sunrise", "telia", "telenor", "tdc", "elisa",
    "dna", "kpn", "ziggo", "libertel", "telekom", "rogers", "shaw", "videotron", "telus", "telstra",
    "optus", "iinet", "tpg", "vocus", "spark", "bharti", "airtel", "reliance", "jio", "bsnl",
    "rostelecom", "vimpelcom", "megafon", "mts", "ukrtelecom", "kyivstar", "turkcell", "superonline",
    "chinanet", "unicom", "chinatelecom", "chinamobile", "kddi", "softbank", "docomo", "ntt",
    "jcom", "optage", "biglobe", "singtel", "singnet", "starhub", "maxis", "celcom", "telkom",
    "indosat", "viettel", "vnpt", "pldt", "globe", "claro", "movistar", "telmex", "izzi", "totalplay",
    "fastweb", "tiscali", "wind", "iliad", "bouygues", "sfr", "numericable", "virgin", "talktalk",
    "plusnet", "sky", "btopenworld", "eircom", "eir", "meo", "nos", "telekomunikacja", "netia",
    "vectra", "cyfrowy", "digi", "rcs", "vivacom", "cosmote", "forthnet", "wilhelm", "netcologne",
    "versatel", "unitymedia", "ewe", "lyse", "globalconnect", "bredbandsbolaget", "comhem", "mtn",
    "safaricom", "vodacom", "etisalat", "zain", "stc", "bezeq", "hotnet", "cellcom", "partner",
];

/// Whether a lower-case word is on a list: whole, or by its beginning where marked `*`.
pub(super) fn is_on(list: &[&str], word: &str) -> bool {
    list.iter().any(|entry| match entry.strip_suffix('*') {
        Some(start) => word.starts_with(start),
        None => *entry == word,
    })
}

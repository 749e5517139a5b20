//! Looks addresses up in the built-in tables: `ip_lookup IP…` or `-` for standard input.
use std::io::BufRead;

use assay_intel::ip::{IpTables, lookup_json};

fn main() {
    let tables = IpTables::builtin();
    let args: Vec<String> = std::env::args().skip(1).collect();
    let stdin = std::io::stdin().lock().lines().map_while(Result::ok);
    let ips: Box<dyn Iterator<Item = String>> = if args == ["-"] {
        Box::new(stdin)
    } else {
        Box::new(args.into_iter())
    };
    for text in ips {
        match text.trim().parse() {
            Ok(ip) => println!("{}", lookup_json(&tables.lookup(ip))),
            Err(e) => eprintln!("{text}: {e}"),
        }
    }
}

//! Tries the loaders on a file: `ip_parse KIND FILE…`.
use assay_intel::ip::{Kind, load};

fn main() {
    let mut args = std::env::args().skip(1);
    let kind = args.next().and_then(|k| Kind::parse(&k));
    let Some(kind) = kind else {
        return eprintln!("use: ip_parse KIND FILE…");
    };
    for file in args {
        match std::fs::read(&file).map(|bytes| load::parse(kind, "try@1", &file, &bytes)) {
            Err(e) => println!("{file}: {e}"),
            Ok(Err(e)) => println!("{e}"),
            Ok(Ok((source, format))) => {
                println!(
                    "{file}: {format:?} {} rows, {} values",
                    source.entries.len(),
                    source.values.len()
                );
                for entry in source.entries.iter().take(3) {
                    println!("   {:?} {:?}", entry.place, source.value_of(entry));
                }
            }
        }
    }
}

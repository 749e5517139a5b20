//! `assay demo`: a server on a scratch folder with a seeded account and live traffic.

mod http;
mod links;
mod shop;
mod traffic;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use assay_console::{NewUser, SystemRandom};
use assay_intel::ip::Kind;
use assay_intel::store::{Import, IntelStore};
use assay_model::document::Role;
use assay_model::ports::{DocKind, NewDoc};
use assay_model::{AccountId, base32};
use clap::Args;
use serde_json::json;

use crate::config::Config;
use crate::serve::{Server, stop_signal};
use traffic::Traffic;

#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Keep the data in this folder instead of a scratch one.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Address of the data plane; default 127.0.0.1:8080, or any free port when it is taken.
    #[arg(long, value_name = "ADDRESS")]
    data_listen: Option<String>,
    /// Address of the console; default 127.0.0.1:8081, or any free port when it is taken.
    #[arg(long, value_name = "ADDRESS")]
    console_listen: Option<String>,
    /// Events a second, on average.
    #[arg(long, default_value_t = 40.0)]
    per_second: f64,
    /// The same seed gives the same traffic.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// The demo's person.
const EMAIL: &str = "demo@assay.test";

/// What the seeding made.
struct Seeded {
    account: AccountId,
    /// The tracker that asks by S2S calls.
    integration: u32,
    /// The one of links and postbacks.
    linked: u32,
    /// The one that sends batches to the native door, and its access key.
    native: (u32, String),
    password: String,
}

pub fn run(args: &DemoArgs) -> anyhow::Result<ExitCode> {
    if std::env::var_os("ASSAY_LOG").is_some() {
        crate::telemetry::start();
    }
    let scratch = match &args.data {
        Some(_) => None,
        None => Some(Scratch::make()?),
    };
    let mut config = Config::default();
    config.storage.dir = args
        .data
        .clone()
        .or_else(|| scratch.as_ref().map(|s| s.0.clone()))
        .unwrap_or_default();
    config.listen.data = address(args.data_listen.as_deref(), &config.listen.data);
    config.listen.console = address(args.console_listen.as_deref(), &config.listen.console);
    // Visitors come from this machine; a header says where they would come from.
    config.listen.trusted_proxies = vec!["127.0.0.0/8".to_owned(), "::1/128".to_owned()];
    // A laptop's worth: 64 MB of counters when full.
    config.gateway.counter_slots = 2_000_000;
    config.recheck()?;
    std::fs::create_dir_all(&config.storage.dir)?;
    import_lists(&config.storage.dir)?;
    let server = Server::start(&config)?;
    let seeded = server.block_on(seed(&server))?;
    print_welcome(&server, &seeded, &config.storage.dir);
    let stop = Arc::new(AtomicBool::new(false));
    let traffic = Traffic {
        to: server.data,
        account: seeded.account.0,
        integration: seeded.integration,
        linked: seeded.linked,
        native: seeded.native.clone(),
        clock: Arc::clone(&server.state.clock),
        stop: Arc::clone(&stop),
    }
    .start(args.seed, args.per_second)?;
    server.block_on(stop_signal())?;
    println!("stopping");
    stop.store(true, Ordering::Release);
    let sent = traffic
        .join()
        .map_err(|_| anyhow::anyhow!("the traffic ended by a panic"))?;
    server.close();
    println!("{sent} events were sent");
    Ok(ExitCode::SUCCESS)
}

/// A folder that goes when the demo ends.
struct Scratch(PathBuf);

impl Scratch {
    fn make() -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("assay-demo-{}", random_text()?));
        std::fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("{} stays: {error}", self.0.display());
        }
    }
}

fn random_text() -> anyhow::Result<String> {
    let mut bytes = [0; 10];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no random bytes: {error}"))?;
    let mut text = String::new();
    base32::encode_into(&bytes, &mut text);
    Ok(text)
}

/// The usual address, or any free port when that one is taken and none was asked for.
fn address(asked: Option<&str>, usual: &str) -> String {
    match asked {
        Some(address) => address.to_owned(),
        None if TcpListener::bind(usual).is_ok() => usual.to_owned(),
        None => "127.0.0.1:0".to_owned(),
    }
}

/// The simulated traffic's proxies, VPN and Tor exits are made up: lists say what they are.
fn import_lists(data: &Path) -> anyhow::Result<()> {
    let store = IntelStore::open(data)?;
    let now = assay_model::Clock::now(&assay_model::SystemClock::default()).0;
    for (kind, name, text) in crate::simulate::lists() {
        let kind = Kind::parse(kind).with_context(|| format!("no kind {kind}"))?;
        store.import(&Import {
            kind,
            name,
            file: name,
            bytes: text.as_bytes(),
            version: None,
            licence: None,
            expires_at: None,
            force: true,
            now,
        })?;
    }
    Ok(())
}

async fn seed(server: &Server) -> anyhow::Result<Seeded> {
    let state = &server.state;
    let (control, now) = (&*state.control, state.clock.now());
    let password = random_text()?;
    let account = match control.accounts().await?.first() {
        Some(account) => *account,
        None => assay_console::create_account(control, "Demo", now).await?,
    };
    assay_console::ensure_default_rule(control, account, now).await?;
    let user = NewUser {
        email: EMAIL,
        name: "Demo",
        password: &password,
        role: Role::Owner,
    };
    let cost = state.settings.passwords;
    assay_console::create_user(control, &SystemRandom, cost, account, user, now)
        .await
        .map_err(|_| anyhow::anyhow!("{EMAIL} exists already: give the demo a fresh folder"))?;
    let insert = |kind, body| {
        control.insert(
            account,
            NewDoc {
                kind,
                unique: None,
                body,
            },
            "demo",
            now,
        )
    };
    let integration = async |body| -> anyhow::Result<u32> {
        let body: assay_model::document::Integration = serde_json::from_value(body)?;
        let made = insert(DocKind::Integration, serde_json::to_value(body)?).await?;
        Ok(u32::try_from(made.id)?)
    };
    let key = random_text()?;
    let tracker = integration(json!({"name": "Demo tracker", "kind": "s2s"})).await?;
    let native = json!({"name": "Demo batches", "kind": "s2s", "access_key": key});
    let native = (integration(native).await?, key);
    let linked = integration(linked()).await?;
    insert(
        DocKind::List,
        serde_json::to_value(crate::simulate::deny_list())?,
    )
    .await?;
    server.node.policies.refresh().await?;
    Ok(Seeded {
        account,
        integration: tracker,
        linked,
        native,
        password,
    })
}

/// An integration of links and postbacks.
fn linked() -> serde_json::Value {
    json!({"name": "Demo links", "kind": "custom", "clicks": {
        "approved_url": "https://shop.example/landing?cid={transaction_id}&offer={offer}",
        "fallback_url": "https://news.example/",
        "params": {"offer": crate::simulate::OFFER_PARAM},
    }})
}

fn print_welcome(server: &Server, seeded: &Seeded, data: &Path) {
    let (account, integration, linked) = (seeded.account, seeded.integration, seeded.linked);
    println!(
        "Assay demo: simulated traffic against the real doors, kept in {}\n\
         \n\
         data:     http://{}\n\
         console:  http://{}\n\
         sign in:  {EMAIL}  {}\n\
         \n\
         Ask for a score:\n\
         \n\
         curl 'http://{}/ic3.php?m=AF&src=s2s&b={account}&s={integration}&cid=19819383&ip=31.13.127.18&s1=10001&s2=20001\
         &s3=news.example&s6=Mozilla%2F5.0%20(iPhone%3B%20CPU%20iPhone%20OS%2017_5%20like%20Mac%20OS%20X)%20AppleWebKit%2F605.1.15\
         %20(KHTML%2C%20like%20Gecko)%20Version%2F17.5%20Mobile%2F15E148%20Safari%2F604.1'\n\
         \n\
         Add &verbose=1 for the reasons with their evidence.\n\
         \n\
         Follow a link as a visitor would (the address is that of the header, since the demo trusts\n\
         this machine as a proxy):\n\
         \n\
         curl -i -H 'X-Forwarded-For: 86.129.1.7' -A 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) \
         AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1' \
         'http://{}/click/{linked}?campaign=o-spring-shoes&publisher=p-mine&external_transaction_id=my-1'\n\
         \n\
         Without -A it is curl's click, and goes to the fallback. Half a minute later, its sale:\n\
         \n\
         curl 'http://{}/postback/{linked}?external_transaction_id=my-1&payout=6.20&revenue=8.50&order_id=1001'\n\
         \n\
         Stop with Ctrl-C.",
        data.display(),
        server.data,
        server.console,
        seeded.password,
        server.data,
        server.data,
        server.data,
    );
}

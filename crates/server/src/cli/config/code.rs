//! `assay config export|diff|apply`: an account's rules and lists as a file.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use assay_model::document::{Integration, Rule};
use assay_model::ports::{ControlStore, DocKind, NewDoc, Removal, Save, StoreError};
use assay_model::{AccountId, Clock as _, SystemClock};
use clap::Args;
use serde_json::Value;

use super::file::{Documents, Item};
use super::plan::{Plan, Planned, Step};
use crate::cli::DataArgs;
use crate::cli::replay::{account_of, open_control};
use crate::offline;

/// Who wrote, in versions.
const ACTOR: &str = "config apply";

/// Whose rules and lists.
#[derive(Debug, Args)]
pub struct CodeArgs {
    /// Whose; needed where the store has several accounts.
    #[arg(long)]
    account: Option<u32>,
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Debug, Args)]
pub struct DiffArgs {
    /// Rules and lists (TOML or JSON): all that shall be.
    file: PathBuf,
    #[command(flatten)]
    code: CodeArgs,
}

#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// Rules and lists (TOML or JSON): all that shall be.
    file: PathBuf,
    /// Remove what the file does not name.
    #[arg(long)]
    remove: bool,
    /// Only show what would be done.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    code: CodeArgs,
}

/// `assay config export`.
pub fn export(args: &CodeArgs) -> anyhow::Result<ExitCode> {
    let config = args.data.load()?;
    let control = open_control(&config)?;
    let text = offline::wait(async {
        let account = account_of(&control, args.account).await?;
        Documents::stored(&control, account).await?.to_toml(account)
    })??;
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// `assay config diff`: 0 = nothing differs, 1 = something does.
pub fn diff(args: &DiffArgs) -> anyhow::Result<ExitCode> {
    let wanted = Documents::read(&args.file)?;
    let config = args.code.data.load()?;
    let control = open_control(&config)?;
    let plan = offline::wait(async {
        let account = account_of(&control, args.code.account).await?;
        plan(&control, account, &wanted).await
    })??;
    print!("{plan}");
    Ok(if plan.is_empty() && plan.refused.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// `assay config apply`: all of it, or nothing.
pub fn apply(args: &ApplyArgs) -> anyhow::Result<ExitCode> {
    let wanted = Documents::read(&args.file)?;
    let config = args.code.data.load()?;
    let control = open_control(&config)?;
    offline::wait(async {
        let account = account_of(&control, args.code.account).await?;
        let plan = plan(&control, account, &wanted).await?;
        print!("{plan}");
        anyhow::ensure!(plan.refused.is_empty(), "nothing was changed");
        let removals = plan.removals();
        anyhow::ensure!(
            removals == 0 || args.remove || args.dry_run,
            "nothing was changed: {removals} documents are not in the file; --remove removes them"
        );
        if plan.is_empty() {
            println!("the store is as the file says");
        } else if args.dry_run {
            println!("{} changes, none was made", plan.steps.len());
        } else {
            save(&control, account, &plan).await?;
            println!("{} changes made", plan.steps.len());
        }
        Ok(ExitCode::SUCCESS)
    })?
}

async fn plan(
    control: &dyn ControlStore,
    account: AccountId,
    wanted: &Documents,
) -> anyhow::Result<Plan> {
    let stored = Documents::stored(control, account).await?;
    let mut plan = Plan::new(&stored, wanted);
    for rule in &wanted.rules {
        let Some(id) = rule.body.get("integration_id").and_then(Value::as_u64) else {
            continue;
        };
        let doc = control.get(account, DocKind::Integration, id).await?;
        let known = doc.is_some_and(|doc| serde_json::from_value::<Integration>(doc.body).is_ok());
        if !known {
            let name = rule.name();
            plan.refused
                .push(format!("rule {name:?}: there is no integration {id}"));
        }
    }
    Ok(plan)
}

/// One transaction; what somebody else saved since the plan was made refuses it.
async fn save(control: &dyn ControlStore, account: AccountId, plan: &Plan) -> anyhow::Result<()> {
    let mut saves = Vec::new();
    let mut removals = Vec::new();
    for planned in &plan.steps {
        match (&planned.step, planned.item.id.zip(planned.stored)) {
            (Step::Remove, Some((id, version))) => removals.push(Removal {
                kind: planned.kind,
                id,
                version,
            }),
            (_, replaces) => saves.push(Save {
                replaces,
                doc: document(planned)?,
            }),
        }
    }
    let now = SystemClock::default().now();
    let done = control
        .change_all(account, saves, removals, ACTOR, now)
        .await;
    match done {
        Err(StoreError::Conflict { .. }) => {
            anyhow::bail!(
                "nothing was changed: somebody saved meanwhile; look at the difference again"
            )
        }
        other => other.map(|_| ()).map_err(anyhow::Error::from),
    }
}

fn document(planned: &Planned) -> anyhow::Result<NewDoc> {
    let Item { body, priority, .. } = &planned.item;
    let mut body = body.clone();
    if planned.kind == DocKind::Rule {
        body.insert("priority".to_owned(), (*priority).into());
        // As it will be read.
        serde_json::from_value::<Rule>(Value::Object(body.clone()))?;
    }
    Ok(NewDoc {
        kind: planned.kind,
        unique: None,
        body: Value::Object(body),
    })
}

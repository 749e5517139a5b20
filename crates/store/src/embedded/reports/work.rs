//! Who folds what: row groups, unsealed batches and unread spool, taken by threads in turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use assay_model::ports::{Dimension, ReportError};

use super::fold::{Fold, Needs, failed};
use super::groups::Groups;
use super::plan::Plan;
use crate::embedded::events::{ACCOUNT, Footer, Snapshot, SnapshotSource, TEST, TIME};

/// One piece of work.
enum Piece {
    Unsealed(usize),
    Rest(usize),
    Group {
        footer: Arc<Footer>,
        group: usize,
        needs: Needs,
    },
}

/// Folds everything that the plan asks for.
pub fn run(source: &SnapshotSource, plan: &Plan) -> Result<Groups, ReportError> {
    let snapshot = source.snapshot().map_err(failed)?;
    let pieces = pieces(source, &snapshot, plan)?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let fold = || fold(&snapshot, plan, &pieces, &next);
    let threads = cores.min(pieces.len());
    if threads < 2 {
        return fold();
    }
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(fold)).collect();
        let mut all: Option<Groups> = None;
        for thread in threads {
            let part = thread.join().unwrap_or_else(|_| {
                Err(ReportError::Backend("a report thread panicked".to_owned()))
            })?;
            match &mut all {
                None => all = Some(part),
                Some(all) => all.merge(part)?,
            }
        }
        Ok(all.unwrap_or_default())
    })
}

fn pieces(
    source: &SnapshotSource,
    snapshot: &Snapshot,
    plan: &Plan,
) -> Result<Vec<Piece>, ReportError> {
    let mut pieces = Vec::new();
    for file in &snapshot.files {
        let row = &file.row;
        let in_range = row.time.1 >= plan.from && row.time.0 < plan.to;
        if !in_range || !row.has(plan.account) {
            continue;
        }
        let footer = source.footer(file).map_err(failed)?;
        for group in 0..footer.row_groups() {
            if let Some(needs) = needs(&footer, group, plan) {
                let footer = Arc::clone(&footer);
                pieces.push(Piece::Group {
                    footer,
                    group,
                    needs,
                });
            }
        }
    }
    pieces.extend((0..snapshot.tail.len()).map(Piece::Unsealed));
    pieces.extend((0..snapshot.rest.len()).map(Piece::Rest));
    Ok(pieces)
}

/// What statistics leave open about a row group; `None` = no row of it can match.
fn needs(footer: &Footer, group: usize, plan: &Plan) -> Option<Needs> {
    let mut needs = Needs::ALL;
    if let Some((low, high)) = footer.range(group, ACCOUNT) {
        let account = i64::from(plan.account.0);
        if account < low || account > high {
            return None;
        }
        needs.account = low != high;
    }
    if let Some((low, high)) = footer.range(group, TIME) {
        if high < plan.from.0 || low >= plan.to.0 {
            return None;
        }
        needs.range = low < plan.from.0 || high >= plan.to.0;
    }
    if let Some((_, high)) = footer.range(group, TEST) {
        needs.test = high != 0;
    }
    Some(needs)
}

fn fold(
    snapshot: &Snapshot,
    plan: &Plan,
    pieces: &[Piece],
    next: &AtomicUsize,
) -> Result<Groups, ReportError> {
    let mut fold = Fold::new(plan);
    while let Some(piece) = pieces.get(next.fetch_add(1, Ordering::Relaxed)) {
        match piece {
            Piece::Unsealed(at) => fold.add(&snapshot.tail[*at], Needs::ALL)?,
            Piece::Rest(at) => {
                let mut result = Ok(());
                let read = snapshot.rest[*at].for_each(|batch| {
                    if result.is_ok() {
                        result = fold.add(&batch, Needs::ALL);
                    }
                    Ok(())
                });
                read.map_err(failed)?;
                result?;
            }
            Piece::Group {
                footer,
                group,
                needs,
            } => {
                let columns = columns(plan, *needs);
                if let Some(batch) = footer.read_whole(*group, columns).map_err(failed)? {
                    fold.add(&batch, *needs)?;
                }
            }
        }
    }
    Ok(fold.groups)
}

/// Only the columns that are looked at.
fn columns(plan: &Plan, needs: Needs) -> Vec<&'static str> {
    let mut columns = vec![Dimension::Action.as_str(), Dimension::Class.as_str()];
    let groups = plan.group_by.iter().filter(|unit| !unit.is_time());
    columns.extend(groups.map(|unit| unit.column().as_str()));
    columns.extend(plan.texts.iter().map(|filter| filter.column));
    columns.extend(needs.account.then_some(ACCOUNT));
    columns.extend((needs.range || plan.needs_time()).then_some(TIME));
    columns.extend(needs.test.then_some(TEST));
    columns
}

//! The fold: rows of a batch into counts per group, in dictionary keys.
//!
//! Every group-by column is a key of a small dictionary, so a group is one number: the place of
//! (key, key, …, action, class) in a grid. Where the grid is small, a row costs one addition;
//! texts are looked at once per cell that is not empty.

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch, StringArray};
use assay_model::ports::{ClickMeasures, Dimension, ReportError};
use assay_model::{Action, Class, Reason};
use hashbrown::HashMap;

use super::groups::{Groups, Key, Values};
use super::plan::Plan;
use super::zone::{Stretch, TimeFilter};
use crate::embedded::events::{EventsError, Mask, TEST, TIME, TextFilter, dictionary, times};

/// Largest grid that is counted in place: 4 MiB of counters, which mostly stay in the cache.
const GRID: usize = 1 << 20;

/// Which checks a batch needs: its statistics may have settled them for all rows.
#[derive(Clone, Copy, Debug)]
pub struct Needs {
    /// It may have rows of other accounts.
    pub account: bool,
    /// It may have rows out of the range.
    pub range: bool,
    /// It may have test events.
    pub test: bool,
}

impl Needs {
    /// Nothing is known of the batch.
    pub const ALL: Self = Self {
        account: true,
        range: true,
        test: true,
    };

    fn any(self) -> bool {
        self.account || self.range || self.test
    }
}

/// A thread's part of a report.
pub struct Fold<'a> {
    plan: &'a Plan,
    times: Vec<TimeFilter>,
    /// What was counted.
    pub groups: Groups,
    grid: Vec<u32>,
}

/// One axis of the grid.
struct Axis<'a> {
    keys: Keys<'a>,
    size: usize,
}

enum Keys<'a> {
    Column(&'a [i32], &'a StringArray),
    Stretches(Vec<i32>, Vec<i64>),
}

impl Axis<'_> {
    fn keys(&self) -> &[i32] {
        match &self.keys {
            Keys::Column(keys, _) => keys,
            Keys::Stretches(keys, _) => keys,
        }
    }
}

impl<'a> Fold<'a> {
    /// Nothing counted yet.
    pub fn new(plan: &'a Plan) -> Self {
        Self {
            plan,
            times: plan.times(),
            groups: Groups::new(plan.group_by.iter().map(|unit| unit.is_time())),
            grid: Vec::new(),
        }
    }

    /// Counts the rows of a batch.
    pub fn add(&mut self, batch: &RecordBatch, needs: Needs) -> Result<(), ReportError> {
        let Some(mask) = self.mask(batch, needs).map_err(failed)? else {
            return Ok(());
        };
        let mut axes = self.axes(batch).map_err(failed)?;
        let (action, actions) = dictionary(batch, Dimension::Action.as_str()).map_err(failed)?;
        let (class, classes) = dictionary(batch, Dimension::Class.as_str()).map_err(failed)?;
        for (keys, texts) in [(action, actions), (class, classes)] {
            axes.push(Axis {
                keys: Keys::Column(keys, texts),
                size: texts.len(),
            });
        }
        let cells = axes
            .iter()
            .try_fold(1_u128, |cells, axis| cells.checked_mul(axis.size as u128));
        let rows = batch.num_rows();
        match cells {
            Some(cells) if cells <= (GRID.min(rows.max(4096) * 16)) as u128 => {
                self.count_in_grid(&axes, mask.as_ref(), rows, cells as usize)
            }
            Some(_) => self.count_in_map(&axes, mask.as_ref(), rows),
            None => Err(ReportError::TooManyGroups(super::groups::MOST_GROUPS)),
        }
    }

    /// The rows that count; outer `None` = none, inner `None` = all.
    fn mask(&self, batch: &RecordBatch, needs: Needs) -> Result<Option<Option<Mask>>, EventsError> {
        let plan = self.plan;
        let mut mask = None;
        for filter in &plan.texts {
            match wanted(batch, filter)? {
                Wanted::All => {}
                Wanted::None => return Ok(None),
                Wanted::Some => mask
                    .get_or_insert_with(|| all(batch))
                    .matching(batch, filter)?,
            }
        }
        if needs.any() || !self.times.is_empty() {
            let mask = mask.get_or_insert_with(|| all(batch));
            if needs.account {
                mask.account(batch, plan.account)?;
            }
            if needs.range {
                mask.within(batch, TIME, plan.from.0, plan.to.0)?;
            }
            if needs.test {
                drop_tests(batch, mask)?;
            }
            for filter in &self.times {
                for (keep, time) in mask.0.iter_mut().zip(times(batch, TIME)?) {
                    *keep = *keep && filter.matches(*time);
                }
            }
        }
        Ok(Some(mask))
    }

    fn axes<'b>(&self, batch: &'b RecordBatch) -> Result<Vec<Axis<'b>>, EventsError> {
        let dimensions = self.plan.group_by.iter().zip(&self.plan.cutters);
        dimensions
            .map(|(dimension, cutter)| match cutter {
                Some(cutter) => {
                    let (keys, starts) = stretches(times(batch, TIME)?, |ms| cutter.cut(ms));
                    Ok(Axis {
                        size: starts.len(),
                        keys: Keys::Stretches(keys, starts),
                    })
                }
                None => {
                    let (keys, texts) = dictionary(batch, dimension.column().as_str())?;
                    Ok(Axis {
                        size: texts.len(),
                        keys: Keys::Column(keys, texts),
                    })
                }
            })
            .collect()
    }

    fn count_in_grid(
        &mut self,
        axes: &[Axis<'_>],
        mask: Option<&Mask>,
        rows: usize,
        cells: usize,
    ) -> Result<(), ReportError> {
        let mut places = vec![0_u32; rows];
        for axis in axes {
            let size = axis.size as u32;
            for (place, key) in places.iter_mut().zip(axis.keys()) {
                *place = *place * size + *key as u32;
            }
        }
        let mut grid = std::mem::take(&mut self.grid);
        grid.clear();
        grid.resize(cells, 0);
        match mask {
            None => places.iter().for_each(|place| grid[*place as usize] += 1),
            Some(mask) => {
                for (place, keep) in places.iter().zip(&mask.0) {
                    grid[*place as usize] += u32::from(*keep);
                }
            }
        }
        let filled = grid.iter().enumerate().filter(|(_, count)| **count > 0);
        let mut lookup = Lookup::new(axes, &self.plan.group_by);
        for (place, count) in filled {
            let (key, measures) = lookup.cell(place as u128, *count, &mut self.groups.values);
            self.groups.add(key, measures)?;
        }
        self.grid = grid;
        Ok(())
    }

    fn count_in_map(
        &mut self,
        axes: &[Axis<'_>],
        mask: Option<&Mask>,
        rows: usize,
    ) -> Result<(), ReportError> {
        let mut counts: HashMap<u128, u32> = HashMap::with_capacity(rows / 4);
        for row in 0..rows {
            if mask.is_none_or(|mask| mask.0[row]) {
                let place = axes.iter().fold(0, |place, axis| {
                    place * axis.size as u128 + axis.keys()[row] as u128
                });
                *counts.entry(place).or_default() += 1;
            }
        }
        let mut lookup = Lookup::new(axes, &self.plan.group_by);
        for (place, count) in counts {
            let (key, measures) = lookup.cell(place, count, &mut self.groups.values);
            self.groups.add(key, measures)?;
        }
        Ok(())
    }
}

/// From places in the grid to groups.
struct Lookup<'a, 'b> {
    axes: &'a [Axis<'b>],
    group_by: &'a [Dimension],
    /// Codes of an axis's keys among all values, once they were looked up.
    codes: Vec<Vec<u32>>,
}

const UNKNOWN: u32 = u32::MAX;

impl<'a, 'b> Lookup<'a, 'b> {
    fn new(axes: &'a [Axis<'b>], group_by: &'a [Dimension]) -> Self {
        Self {
            axes,
            group_by,
            codes: axes.iter().map(|axis| vec![UNKNOWN; axis.size]).collect(),
        }
    }

    /// The group and the counts of a cell.
    fn cell(&mut self, place: u128, count: u32, values: &mut [Values]) -> (Key, ClickMeasures) {
        let mut keys = [0_usize; 16];
        let mut rest = place;
        for (at, axis) in self.axes.iter().enumerate().rev() {
            let size = axis.size.max(1) as u128;
            keys[at] = (rest % size) as usize;
            rest /= size;
        }
        let groups = self.axes.len() - 2;
        let text = |at: usize| match &self.axes[at].keys {
            Keys::Column(_, texts) => texts.value(keys[at]),
            Keys::Stretches(..) => "",
        };
        let measures = measures(text(groups), text(groups + 1), count.into());
        let mut key = Key::new();
        for (at, values) in values.iter_mut().enumerate() {
            let made = self
                .group_by
                .get(at)
                .filter(|dimension| dimension.is_made());
            if let (Some(dimension), Values::Texts(all)) = (made, &mut *values) {
                // By reason and action together, so no key of one column stands for it.
                key.push(all.code(made_of(*dimension, text(at), text(groups))));
                continue;
            }
            let code = &mut self.codes[at][keys[at]];
            if *code == UNKNOWN {
                *code = match (&self.axes[at].keys, values) {
                    (Keys::Column(_, texts), Values::Texts(all)) => all.code(texts.value(keys[at])),
                    (Keys::Stretches(_, starts), Values::Starts(all)) => all.code(starts[keys[at]]),
                    // Both come from the same plan.
                    _ => 0,
                };
            }
            key.push(*code);
        }
        (key, measures)
    }
}

/// The value of a made dimension, from the texts that it is made of.
fn made_of(dimension: Dimension, reason: &str, action: &str) -> &'static str {
    let actions = Action::ALL.iter().copied();
    let action = actions.into_iter().find(|own| own.as_str() == action);
    match (action, Reason::from_code(reason)) {
        (Some(action), Some(reason)) => dimension.of_verdict(action, reason),
        _ => "",
    }
}

/// The counts of `count` events with this action and class.
fn measures(action: &str, class: &str, count: u64) -> ClickMeasures {
    let is = |value: Action| u64::from(action == value.as_str()) * count;
    // What was caught, or would have been, by its class.
    let caught = u64::from(action != Action::Approved.as_str());
    let of = |value: Class| u64::from(class == value.as_str()) * caught * count;
    ClickMeasures {
        clicks: count,
        approved: is(Action::Approved),
        rejected: is(Action::Rejected),
        monitored: is(Action::Monitored),
        givt: of(Class::Givt),
        sivt: of(Class::Sivt),
        policy: of(Class::Policy),
    }
}

enum Wanted {
    All,
    Some,
    None,
}

/// How much of the dictionary a filter wants; unused texts in it only cost a mask.
fn wanted(batch: &RecordBatch, filter: &TextFilter) -> Result<Wanted, EventsError> {
    let (_, texts) = dictionary(batch, filter.column)?;
    let is = |text: Option<&str>| filter.values.iter().any(|v| v == text.unwrap_or(""));
    let count = texts.iter().filter(|text| is(*text)).count();
    Ok(match count {
        0 => Wanted::None,
        n if n == texts.len() => Wanted::All,
        _ => Wanted::Some,
    })
}

fn all(batch: &RecordBatch) -> Mask {
    Mask(vec![true; batch.num_rows()])
}

fn drop_tests(batch: &RecordBatch, mask: &mut Mask) -> Result<(), EventsError> {
    let tests = batch
        .column_by_name(TEST)
        .and_then(|column| column.as_boolean_opt());
    let tests = tests.ok_or(EventsError::Column(TEST))?;
    for (keep, test) in mask.0.iter_mut().zip(tests.values().iter()) {
        *keep &= !test;
    }
    Ok(())
}

/// The stretch of each row, as keys of a list of starts.
fn stretches(times: &[i64], cut: impl Fn(i64) -> Stretch) -> (Vec<i32>, Vec<i64>) {
    let mut starts: Vec<i64> = Vec::new();
    let mut known: HashMap<i64, i32> = HashMap::new();
    let mut last = (Stretch { start: 0, end: 0 }, 0);
    let keys = times.iter().map(|time| {
        if !last.0.has(*time) {
            let stretch = cut(*time);
            let key = *known.entry(stretch.start).or_insert_with(|| {
                starts.push(stretch.start);
                starts.len() as i32 - 1
            });
            last = (stretch, key);
        }
        last.1
    });
    (keys.collect(), starts)
}

/// An event store's failure, as a report says it.
pub fn failed(error: EventsError) -> ReportError {
    ReportError::Backend(error.to_string())
}

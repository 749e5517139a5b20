//! Runs of one kind, both families, and their flattened form.

use crate::ip::Span;
use crate::ip::flat::{NONE, Run, Steps, flatten, merge, push_step};

/// Runs as they were added; of equally narrow ones the later wins.
#[derive(Default)]
pub(super) struct Runs {
    v4: Vec<Run<u32>>,
    v6: Vec<Run<u64>>,
}

/// Sorted steps without overlaps.
#[derive(Default)]
pub(super) struct Layer {
    pub(super) v4: Steps<u32>,
    pub(super) v6: Steps<u64>,
}

impl Runs {
    pub(super) fn push(&mut self, span: Span, value: u32) {
        match span {
            Span::V4(first, last) => self.v4.push(Run { first, last, value }),
            Span::V6(first, last) => self.v6.push(Run { first, last, value }),
        }
    }

    pub(super) fn flatten(&mut self) -> Layer {
        Layer {
            v4: flatten(std::mem::take(&mut self.v4)),
            v6: flatten(std::mem::take(&mut self.v6)),
        }
    }
}

impl Layer {
    /// Takes the values of IPv6 spans away.
    pub(super) fn without(mut self, spans: &[(u64, u64)]) -> Self {
        let hole = |value| {
            spans
                .iter()
                .map(move |&(first, last)| Run { first, last, value })
        };
        let holes = flatten(hole(0).collect());
        let mut left = Steps::new();
        merge(&[&self.v6, &holes], |start, &[value, hole]| {
            push_step(&mut left, start, if hole == NONE { value } else { NONE });
        });
        self.v6 = left;
        self
    }

    /// Lays `self` over `below`: the value below holds only where this one has none.
    pub(super) fn over(self, below: &Self) -> Self {
        if self.v4.is_empty() && self.v6.is_empty() {
            return Self {
                v4: below.v4.clone(),
                v6: below.v6.clone(),
            };
        }
        let mut both = Self::default();
        merge(&[&self.v4, &below.v4], |start, &[top, low]| {
            push_step(&mut both.v4, start, if top == NONE { low } else { top });
        });
        merge(&[&self.v6, &below.v6], |start, &[top, low]| {
            push_step(&mut both.v6, start, if top == NONE { low } else { top });
        });
        both
    }
}

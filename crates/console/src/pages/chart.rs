//! Clicks by outcome per minute, as SVG drawn on the server.
//!
//! x in percent, y in pixels: text never scales and no script measures anything. Numbers
//! only, so nothing needs escaping; the same numbers stand in a table beneath.

use std::fmt::Write as _;

use assay_model::ports::ClickMeasures;

/// Height of the plot above its axis, in pixels.
const HEIGHT: f64 = 120.0;

/// Where the axis lies.
const AXIS: f64 = HEIGHT + 12.0;

/// One bar.
#[derive(Clone, Debug)]
pub struct Bar {
    /// What it is called (14:32).
    pub label: String,
    /// Its counts.
    pub counts: ClickMeasures,
    /// Whether it is still counting.
    pub open: bool,
}

impl Bar {
    /// Parts from bottom to top: approved, policy, GIVT, SIVT, other.
    #[must_use]
    pub fn parts(&self) -> [(&'static str, u64); 5] {
        let c = &self.counts;
        let known = c.policy + c.givt + c.sivt;
        let caught = c.clicks.saturating_sub(c.approved);
        [
            ("s-approved", c.approved),
            ("s-policy", c.policy),
            ("s-givt", c.givt),
            ("s-sivt", c.sivt),
            ("s-held", caught.saturating_sub(known)),
        ]
    }
}

/// The bars as SVG, with the scale's ticks (value, y) for the axis beside it.
#[must_use]
pub fn svg(bars: &[Bar]) -> (String, Vec<(u64, f64)>) {
    let most = bars.iter().map(|bar| bar.counts.clicks).max().unwrap_or(0);
    let top = round_up(most.max(4));
    let mut out = String::new();
    let ticks: Vec<(u64, f64)> = [0, top / 2, top]
        .into_iter()
        .map(|value| (value, AXIS - share(value, top)))
        .collect();
    for (value, y) in &ticks {
        let css = if *value == 0 { "axis" } else { "grid" };
        // Writing into a String cannot fail, here and below.
        let _ = write!(
            out,
            r#"<line class="{css}" x1="0" x2="100%" y1="{y:.1}" y2="{y:.1}"/>"#
        );
    }
    let slot = 100.0 / (bars.len().max(1)) as f64;
    for (at, bar) in bars.iter().enumerate() {
        draw(&mut out, bar, at as f64 * slot, slot, top);
    }
    (out, ticks)
}

fn draw(out: &mut String, bar: &Bar, x: f64, slot: f64, top: u64) {
    let (left, width) = (x + slot * 0.14, slot * 0.72);
    let c = &bar.counts;
    let still = if bar.open { " (still counting)" } else { "" };
    let _ = write!(
        out,
        "<g><title>{}{still}: {} clicks, SIVT {}, GIVT {}, policy {}, approved {}</title>",
        bar.label, c.clicks, c.sivt, c.givt, c.policy, c.approved
    );
    let mut y = AXIS;
    for (css, count) in bar.parts() {
        let height = share(count, top);
        if height <= 0.0 {
            continue;
        }
        y -= height;
        let _ = write!(
            out,
            r#"<rect class="{css}" x="{left:.2}%" y="{y:.1}" width="{width:.2}%" height="{height:.1}"/>"#
        );
    }
    if bar.open && y < AXIS {
        let height = AXIS - y;
        let _ = write!(
            out,
            r#"<rect class="s-part" x="{left:.2}%" y="{y:.1}" width="{width:.2}%" height="{height:.1}"/>"#
        );
    }
    let _ = write!(
        out,
        r#"<rect class="hit" x="{x:.2}%" y="12" width="{slot:.2}%" height="{HEIGHT}"/></g>"#
    );
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a share of a bar's height; counts stay far below 2^53"
)]
fn share(value: u64, top: u64) -> f64 {
    value as f64 / top as f64 * HEIGHT
}

/// The next of 1, 2, 4, 5, 10 × a power of ten that is even or small: a round top of the axis.
fn round_up(value: u64) -> u64 {
    let mut power = 1u64;
    loop {
        for step in [1, 2, 4, 5] {
            let top = power.saturating_mul(step);
            if top >= value && top.is_multiple_of(2) {
                return top;
            }
        }
        power = power.saturating_mul(10);
        if power > u64::MAX / 10 {
            return value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_stack_to_their_clicks_and_axes_end_at_round_numbers() {
        for (value, top) in [(1, 2), (4, 4), (7, 10), (130, 200), (450, 500), (501, 1000)] {
            assert_eq!(round_up(value), top);
        }
        let counts = ClickMeasures {
            clicks: 10,
            approved: 4,
            rejected: 6,
            givt: 1,
            sivt: 2,
            policy: 1,
            ..ClickMeasures::default()
        };
        let bar = Bar {
            label: "14:32".into(),
            counts,
            open: true,
        };
        assert_eq!(bar.parts().iter().map(|(_, n)| n).sum::<u64>(), 10);
        let (svg, ticks) = svg(&[bar]);
        assert!(svg.contains("14:32 (still counting): 10 clicks"));
        assert!(svg.contains("s-part"));
        assert_eq!(ticks.last().unwrap().0, 10);
    }
}

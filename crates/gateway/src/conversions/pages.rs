//! Browser signals that are out: `/jsp` pages that were served, whose visitors have not sent
//! what they collected.
//!
//! The page goes on by posting the signals to the click door, and that post is the click. So
//! signals are out from the moment the page is served until a click with its id is found, and
//! for [`WAIT_MS`] at most: the page's script gives up after 100 ms, the rest is a slow line.
//! A visitor who has not sent it by then has left, or never was a browser.
//!
//! Kept in memory: after a restart a conversion waits for its click as any other does.

use std::collections::{HashMap, VecDeque};
use std::hash::{Hash as _, Hasher as _};
use std::sync::{Mutex, PoisonError};

use assay_model::Timestamp;
use assay_model::ports::ClickKey;
use assay_model::recall::KeyHasher;

/// How long signals are waited for, after the page and after the conversion.
pub const WAIT_MS: i64 = 10_000;

/// Most pages remembered; beyond, the oldest is forgotten, and its conversion not held up.
const PAGES_MAX: usize = 1 << 16;

/// The pages that are out.
#[derive(Debug, Default)]
pub struct Pages(Mutex<Out>);

#[derive(Debug, Default)]
struct Out {
    /// When the click's page was served last, by the print of its id.
    served: HashMap<u64, Timestamp>,
    /// The same, oldest first; a page served again stands here twice.
    order: VecDeque<(u64, Timestamp)>,
}

impl Pages {
    /// A page was served for the click with this id.
    pub fn served(&self, key: &ClickKey, now: Timestamp) {
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        out.forget(now);
        let print = print(key);
        out.served.insert(print, now);
        out.order.push_back((print, now));
    }

    /// Whether signals of the click with this id may still come.
    pub fn is_out(&self, key: &ClickKey, now: Timestamp) -> bool {
        let out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let served = out.served.get(&print(key));
        served.is_some_and(|at| now.ms_since(*at) < WAIT_MS)
    }
}

impl Out {
    /// Forgets what is not waited for, and the oldest where there is no room for another.
    fn forget(&mut self, now: Timestamp) {
        while let Some((print, at)) = self.order.front().copied()
            && (now.ms_since(at) >= WAIT_MS || self.order.len() >= PAGES_MAX)
        {
            self.order.pop_front();
            if self.served.get(&print) == Some(&at) {
                self.served.remove(&print);
            }
        }
    }
}

/// Two ids with one print would hold a conversion up for seconds, and nothing worse.
fn print(key: &ClickKey) -> u64 {
    let mut hasher = KeyHasher::default();
    key.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_model::testing::NOW;
    use assay_model::{AccountId, IntegrationId};

    fn key(id: usize) -> ClickKey {
        ClickKey {
            account: AccountId(1),
            integration: IntegrationId(7),
            external_id: id.to_string(),
        }
    }

    #[test]
    fn a_page_is_out_for_its_time_and_served_again_begins_anew() {
        let pages = Pages::default();
        pages.served(&key(1), NOW);
        assert!(pages.is_out(&key(1), NOW.plus_ms(WAIT_MS - 1)));
        assert!(!pages.is_out(&key(1), NOW.plus_ms(WAIT_MS)));
        assert!(!pages.is_out(&key(2), NOW));
        pages.served(&key(1), NOW.plus_ms(WAIT_MS - 1));
        pages.served(&key(2), NOW.plus_ms(WAIT_MS));
        assert!(pages.is_out(&key(1), NOW.plus_ms(WAIT_MS)));
    }

    #[test]
    fn what_is_remembered_has_a_bound_and_an_end() {
        let pages = Pages::default();
        for id in 0..=PAGES_MAX {
            pages.served(&key(id), NOW);
        }
        assert!(!pages.is_out(&key(0), NOW), "the oldest makes room");
        assert!(pages.is_out(&key(1), NOW) && pages.is_out(&key(PAGES_MAX), NOW));
        pages.served(&key(0), NOW.plus_ms(WAIT_MS));
        let out = pages.0.lock().unwrap();
        assert_eq!((out.served.len(), out.order.len()), (1, 1));
    }
}

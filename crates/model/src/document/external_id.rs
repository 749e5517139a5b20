//! An account's own id of something, which traffic names.

use super::{Problem, check_name};

/// Longest external id, in characters.
const MAX: usize = 128;

/// Pushes a problem unless the id is one that a link can name.
pub fn check(id: Option<&str>, out: &mut Vec<Problem>) {
    let Some(id) = id else {
        return;
    };
    let before = out.len();
    check_name("external_id", id, MAX, out);
    let clean = id.trim() == id && !id.contains(char::is_control);
    if out.len() == before && !clean {
        let detail = "may not begin or end with a blank, or hold control characters";
        out.push(Problem::new("external_id", detail));
    }
}

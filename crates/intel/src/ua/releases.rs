//! Which build numbers Chrome was released with.
//!
//! Source: Chrome's release branches (major and build), every fifth or so; what lies between grows
//! evenly enough to be interpolated.

/// Major and the build of its release branch.
const BRANCHES: &[(u32, u32)] = &[
    (28, 1500),
    (30, 1599),
    (35, 1916),
    (39, 2171),
    (43, 2357),
    (47, 2526),
    (50, 2661),
    (55, 2883),
    (60, 3112),
    (65, 3325),
    (70, 3538),
    (75, 3770),
    (80, 3987),
    (85, 4183),
    (90, 4430),
    (95, 4638),
    (100, 4896),
    (105, 5195),
    (110, 5481),
    (115, 5790),
    (120, 6099),
    (125, 6422),
    (130, 6723),
    (135, 7049),
    (140, 7339),
];

/// How far a build may lie from the expected one: canary builds and forks that lag.
const SLACK: u32 = 220;

/// No release branch ever reached this patch number.
const PATCH_MAX: u32 = 1000;

/// Whether the version was made up: four full numbers that were never released together.
pub(super) fn is_unreleased(version: &str) -> bool {
    let parts: Vec<u32> = version.split('.').filter_map(|n| n.parse().ok()).collect();
    let [major, _, build, patch] = parts.as_slice() else {
        return false;
    };
    if *build == 0 {
        return false;
    }
    *patch >= PATCH_MAX || expected(*major).is_some_and(|e| e.abs_diff(*build) > SLACK)
}

fn expected(major: u32) -> Option<u32> {
    BRANCHES.windows(2).find_map(|pair| match pair {
        [(from, low), (to, high)] if (*from..=*to).contains(&major) => {
            Some(low + (high - low) * (major - from) / (to - from))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::is_unreleased;

    #[test]
    fn released_builds_pass() {
        for v in [
            "137.0.7151.104",
            "120.0.6099.129",
            "91.0.4472.77",
            "60.0.3112.113",
            "41.0.2272.118",
            "120.0.0.0",
            "30.0.0.0",
            "156.0.8078.79",
            "99",
        ] {
            assert!(!is_unreleased(v), "{v}");
        }
    }

    #[test]
    fn made_up_builds_do_not() {
        for v in [
            "54.0.9895.1771",
            "47.0.4762.70",
            "91.0.1234.56",
            "60.0.3112.1909",
        ] {
            assert!(is_unreleased(v), "{v}");
        }
    }
}

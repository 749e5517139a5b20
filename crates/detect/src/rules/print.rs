//! A number that changes when events would be counted for other sources.

use std::hash::Hasher;

use assay_model::recall::KeyHasher;

use super::{AccountRules, CompiledRule};

impl AccountRules {
    /// Which events count for which rule's sources: of every rule its place, scope, sub id and
    /// what its filters call a source. Profiles folded under another print are of no use.
    #[must_use]
    pub fn sources_print(&self) -> u64 {
        let mut hash = KeyHasher::default();
        for rule in self.iter() {
            rule.print_into(&mut hash);
        }
        hash.finish()
    }

    /// The longest window of any filter that judges sources; `None` = there is no such filter.
    #[must_use]
    pub fn sources_window_s(&self) -> Option<u32> {
        let of_rule =
            |rule: &CompiledRule| rule.source_tests().map(|(_, test)| test.window_s()).max();
        self.iter().filter_map(of_rule).max()
    }
}

impl CompiledRule {
    fn print_into(&self, hash: &mut KeyHasher) {
        hash.write_u64(self.rule.id);
        hash.write_u32(self.integration.map_or(0, |id| id.wrapping_add(1)));
        hash.write(format!("{:?} {:?} {:?}", self.scope, self.protection, self.sub_id).as_bytes());
        for spec in &self.standings {
            hash.write(&[spec.filter, spec.level as u8]);
            hash.write(spec.sub_id.as_str().as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use assay_model::document::{IntegrationKind, Rule};
    use assay_model::verdict::RuleRef;
    use serde_json::json;

    use super::AccountRules;

    fn print(change: serde_json::Value, version: u32) -> u64 {
        let mut rule = json!({
            "name": "r", "protection": "both", "sub_id_mapping": "sub_id", "status": "active"
        });
        for (name, value) in change.as_object().unwrap() {
            rule[name] = value.clone();
        }
        let rule: Rule = serde_json::from_value(rule).unwrap();
        let id = RuleRef { id: 3, version };
        AccountRules::compile(&[(id, rule)], IntegrationKind::Custom)
            .unwrap()
            .sources_print()
    }

    #[test]
    fn what_moves_events_to_other_sources_changes_the_print_and_nothing_else_does() {
        let before = print(json!({}), 1);
        assert_eq!(
            print(json!({"name": "other", "mode": "monitor"}), 2),
            before
        );
        for change in [
            json!({"sub_id_mapping": "sub_id_2"}),
            json!({"protection": "click"}),
            json!({"scope": {"publishers": {"include": ["p1"]}}}),
        ] {
            assert_ne!(print(change.clone(), 2), before, "{change}");
        }
    }
}

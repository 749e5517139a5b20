//! What every store of transaction keys must do.
#![expect(clippy::unwrap_used, reason = "a failed check is a failed test")]

use std::sync::Arc;

use assay_model::ports::{ControlStore, KeyStore};
use assay_model::testing::NOW;
use assay_model::transaction::{Key, KeyRing};

/// Runs every check; each call of `open` opens the same, at first empty, store again.
pub async fn suite(open: impl Fn() -> (Arc<dyn KeyStore>, Arc<dyn ControlStore>)) {
    let first = KeyRing::new(vec![Key {
        id: 3,
        made: NOW,
        secret: [7; 32],
    }])
    .unwrap();
    let second = first.rotated(NOW.plus_ms(1), [8; 32]).unwrap();
    {
        let (keys, control) = open();
        assert_eq!(keys.transaction_keys().await.unwrap(), None);
        let before = control.revision().await.unwrap();
        assert!(keys.replace_transaction_keys(None, &first).await.unwrap());
        assert!(
            control.revision().await.unwrap() > before,
            "other nodes must notice"
        );
        let late = keys.replace_transaction_keys(None, &second).await.unwrap();
        assert!(!late, "of two first starts one makes the ring");
        assert_eq!(keys.transaction_keys().await.unwrap().unwrap(), first);
        assert!(
            keys.replace_transaction_keys(Some(&first), &second)
                .await
                .unwrap()
        );
        let late = keys.replace_transaction_keys(Some(&first), &first).await;
        assert!(!late.unwrap());
    }
    let (keys, _) = open();
    assert_eq!(keys.transaction_keys().await.unwrap().unwrap(), second);
}

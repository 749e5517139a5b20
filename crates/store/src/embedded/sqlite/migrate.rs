//! Numbered migrations by `user_version`: expand, then contract.
//!
//! All missing steps run in one transaction, so a file is never between two versions.
//! A file from a newer program is refused, never guessed at.

use rusqlite::{Connection, TransactionBehavior};

use super::Schema;

/// One numbered step; its place in the list is its number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Migration {
    /// File name without its ending (`0001_documents`).
    pub name: &'static str,
    /// The statements.
    pub sql: &'static str,
}

/// Includes a numbered file of `migrations/`.
macro_rules! migration {
    ($folder:literal, $name:literal) => {
        $crate::embedded::sqlite::Migration {
            name: $name,
            sql: include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/migrations/",
                $folder,
                "/",
                $name,
                ".sql"
            )),
        }
    };
}
pub(crate) use migration;

/// Brings the database to the newest version of its schema.
pub(super) fn run(db: &mut Connection, schema: Schema) -> Result<(), String> {
    // The lock is taken before the version is read: of two that start together, one migrates.
    let tx = db
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(|e| e.to_string())?;
    let version = version_of(&tx, schema)?;
    for step in schema.migrations.iter().skip(version) {
        tx.execute_batch(step.sql)
            .map_err(|e| format!("migration {} failed: {e}", step.name))?;
    }
    if version < schema.migrations.len() {
        let reached = i64::try_from(schema.migrations.len()).unwrap_or(i64::MAX);
        tx.pragma_update(None, "user_version", reached)
            .and_then(|()| tx.pragma_update(None, "application_id", schema.application_id))
            .map_err(|e| e.to_string())?;
    }
    tx.commit().map_err(|e| e.to_string())
}

/// How many steps the file has had.
fn version_of(db: &Connection, schema: Schema) -> Result<usize, String> {
    let pragma = |name| {
        db.pragma_query_value(None, name, |row| row.get::<_, i64>(0))
            .map_err(|e| e.to_string())
    };
    let application = pragma("application_id")?;
    let version = pragma("user_version")?;
    let known = schema.migrations.len();
    if application == 0 && version == 0 {
        let tables: i64 = db
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .map_err(|e| e.to_string())?;
        return match tables {
            0 => Ok(0),
            _ => Err("is a database of another program".to_owned()),
        };
    }
    if application != i64::from(schema.application_id) {
        return Err("is not the database expected here".to_owned());
    }
    match usize::try_from(version) {
        Ok(version) if version <= known => Ok(version),
        _ => Err(format!(
            "was written by a newer version of this program: it has schema {version}, \
             this one knows up to {known}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Database, Durability};
    use super::*;

    const ONE: &[Migration] = &[Migration {
        name: "0001_a",
        sql: "CREATE TABLE a (x INTEGER) STRICT;",
    }];
    const TWO: &[Migration] = &[
        ONE[0],
        Migration {
            name: "0002_b",
            sql: "ALTER TABLE a ADD COLUMN y INTEGER;",
        },
    ];
    const BROKEN: &[Migration] = &[
        ONE[0],
        Migration {
            name: "0002_b",
            sql: "CREATE TABLE half (x INTEGER); CREATE TABLE a (x INTEGER);",
        },
    ];

    fn schema(migrations: &'static [Migration]) -> Schema {
        Schema {
            application_id: 7,
            migrations,
        }
    }

    #[test]
    fn only_missing_steps_run_and_a_newer_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = Database::new(&dir.path().join("a.db"));
        let open = |migrations| file.writer(schema(migrations), Durability::EachCommit);
        open(ONE).unwrap();
        open(TWO).unwrap();
        let db = open(TWO).unwrap();
        db.execute("INSERT INTO a (x, y) VALUES (1, 2)", [])
            .unwrap();
        let err = open(ONE).unwrap_err().to_string();
        assert!(err.contains("newer version"), "{err}");
        let other = Schema {
            application_id: 8,
            migrations: TWO,
        };
        assert!(file.writer(other, Durability::EachCommit).is_err());
    }

    #[test]
    fn a_step_that_fails_leaves_the_file_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let file = Database::new(&dir.path().join("a.db"));
        let open = |migrations| file.writer(schema(migrations), Durability::EachCommit);
        open(ONE).unwrap();
        assert!(open(BROKEN).is_err());
        open(TWO).unwrap();
    }

    #[test]
    fn a_foreign_database_is_not_touched() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        Connection::open(&path)
            .unwrap()
            .execute_batch("CREATE TABLE theirs (x)")
            .unwrap();
        let file = Database::new(&path);
        assert!(file.writer(schema(ONE), Durability::EachCommit).is_err());
    }
}

//! Sections whose fields know what they mean.

/// A struct whose doc comments can be read at run time.
pub trait Described {
    /// Every field with the lines of its doc comment.
    const FIELDS: &[(&str, &[&str])];
}

/// Declares a struct and keeps its fields' doc comments beside it.
macro_rules! described {
    ($(#[$meta:meta])* pub struct $name:ident {
        $($(#[doc = $line:literal])+ pub $field:ident: $type:ty,)+
    }) => {
        $(#[$meta])*
        pub struct $name {
            $($(#[doc = $line])+ pub $field: $type,)+
        }

        impl $crate::config::described::Described for $name {
            const FIELDS: &[(&str, &[&str])] = &[$((stringify!($field), &[$($line),+]),)+];
        }
    };
}
pub(super) use described;

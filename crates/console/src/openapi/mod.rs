//! stub
/// The document.
#[must_use]
pub fn openapi_json() -> String {
    String::new()
}

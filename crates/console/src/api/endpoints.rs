//! Every endpoint of the management API, in the order of the documentation.

use std::future::Future;
use std::pin::Pin;

use assay_model::document::TokenScope::{self, Admin, Read, Write};
use axum::response::Response;
use axum::routing::MethodFilter;

use super::Call;
use crate::documents::{create, delete, list, patch, read, replace};
use crate::error::ApiError;
use crate::integrations::Integrations;
use crate::lists::Lists;
use crate::network::{self, Advertisers, Offers, Publishers};
use crate::postbacks::{Postbacks, deliveries};
use crate::rules::Rules;
use crate::tokens::Tokens;
use crate::{
    accounts, conversions, events, holdout, intel, refusals, replay, reports, rules, sources,
    tokens,
};

type Answer = Pin<Box<dyn Future<Output = Result<Response, ApiError>> + Send>>;

/// A query parameter.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

/// One method of one path.
pub struct Endpoint {
    /// The method.
    pub method: MethodFilter,
    /// The method in lower case, for the document.
    pub verb: &'static str,
    /// Path below `/api/v1`.
    pub path: &'static str,
    /// Scope that the token needs.
    pub scope: TokenScope,
    /// What it does, in a few words.
    pub summary: &'static str,
    /// Schema of the request body; empty = none.
    pub takes: &'static str,
    /// Schema of the answer; empty = no body, `[X]` = a page of X.
    pub gives: &'static str,
    /// Query parameters.
    pub params: &'static [Param],
    /// What does it.
    pub handler: fn(Call) -> Answer,
}

const fn param(name: &'static str, meaning: &'static str) -> Param {
    Param { name, meaning }
}

const PAGE: &[Param] = &[
    param("after", "Cursor: the `next` of the page before."),
    param("limit", "Most items, 1 to 500; 50 when left out."),
];
const TABLE: &[Param] = &[
    param("after", "Cursor: the `next` of the page before."),
    param("limit", "Most items, 1 to 500; 50 when left out."),
    param("format", "`json`, or `csv` for all of them as one table."),
];
const IMPORT: &[Param] = &[param(
    "partial",
    "`true` saves the rows that are right; otherwise one that is wrong keeps all from being saved.",
)];
const ERRORS: &[Param] = &[
    param(
        "before",
        "Cursor: the `next` of the page before; `after` means the same.",
    ),
    param("limit", "Most rows, 1 to 500; 50 when left out."),
];
const EVENTS: &[Param] = &[
    param(
        "from",
        "From here on. A date is its midnight in the account's time zone.",
    ),
    param("to", "Before here."),
    param("before", "Cursor: the `next` of the page before."),
    param("limit", "Most events, 1 to 500; 50 when left out."),
    param(
        "filter[dimension]",
        "Only these values, separated by commas; an empty one means not given.",
    ),
];
const CONVERSIONS: &[Param] = &[
    param(
        "from",
        "From here on, by the conversion's own time. A date is its midnight in the account's time zone.",
    ),
    param("to", "Before here."),
    param("before", "Cursor: the `next` of the page before."),
    param("limit", "Most conversions, 1 to 500; 50 when left out."),
    param("status", "Only these statuses, separated by commas."),
    param("integration", "Only of these integrations."),
    param("offer", "Only of these offers."),
    param("publisher", "Only of these publishers."),
    param(
        "event",
        "Only these events; `conversion` is the base conversion.",
    ),
    param("transaction_id", "Only with these ids of ours."),
    param(
        "external_transaction_id",
        "Only with these ids of the caller's.",
    ),
    param("reason", "Only with these main reasons."),
    param(
        "filter[dimension]",
        "The same for any dimension of conversions; an empty value means not given.",
    ),
];
const REPORT: &[Param] = &[
    param(
        "from",
        "From here on; today's midnight when left out. A date is its midnight in `tz`.",
    ),
    param("to", "Before here; now when left out."),
    param("tz", "IANA time zone; the account's when left out."),
    param(
        "group_by",
        "Up to six dimensions, separated by commas, outermost first.",
    ),
    param(
        "filter[dimension]",
        "Only these values, separated by commas; an empty one means not given.",
    ),
    param("format", "`json` or `csv`."),
    param("limit", "Most rows."),
    param("offset", "Rows to skip: the `next` of the page before."),
];
const DELIVERIES: &[Param] = &[
    param(
        "state",
        "Only these: `pending`, `sent`, `failed` (to be tried again) or `dead` (given up).",
    ),
    param("before", "Cursor: the `next` of the page before."),
    param("limit", "Most deliveries, 1 to 500; 50 when left out."),
];
const CANDIDATE: &[Param] = &[param(
    "rule",
    "ID@VERSION of a stored rule, tried in its place; the rules in force when left out.",
)];
const HOLDOUT: &[Param] = &[
    param(
        "from",
        "Clicks from here on; today's midnight when left out. A date is its midnight in the account's time zone.",
    ),
    param("to", "Clicks before here; now when left out."),
    param("limit", "Most sources; 100 when left out."),
];
const SOURCES: &[Param] = &[
    param(
        "level",
        "Only of this level: `publisher`, `sub_id`, `publisher_offer` or `sub_id_offer`.",
    ),
    param("publisher", "Only of this publisher."),
    param(
        "held",
        "`true`: only what is held; `false`: only what is not.",
    ),
    param("offset", "Rows to skip: the `next` of the page before."),
    param("limit", "Most sources, 1 to 500; 50 when left out."),
];
const DECISIONS: &[Param] = &[
    param("publisher", "Only about this publisher."),
    param("before", "Cursor: the `next` of the page before."),
    param("limit", "Most lines, 1 to 500; 50 when left out."),
];
const REPLAY: &[Param] = &[param(
    "sources",
    "Most sources, those with most changes first; 100 when left out.",
)];
const MATRIX: &[Param] = &[
    param("by", "`publisher` (default) or `advertiser`."),
    param(
        "ids",
        "Only these, separated by commas; left out, everybody whom a rule names.",
    ),
];
const ADDRESS: &[Param] = &[param("ip", "An IPv4 or IPv6 address.")];
const NONE: &[Param] = &[];

macro_rules! endpoints {
    ($($verb:ident $path:literal $scope:ident $takes:literal $gives:literal $params:ident $summary:literal $handler:expr;)*) => {
        static ALL: &[Endpoint] = &[$(Endpoint {
            method: endpoints!(@filter $verb),
            verb: stringify!($verb),
            path: $path,
            scope: $scope,
            summary: $summary,
            takes: $takes,
            gives: $gives,
            params: $params,
            handler: |call| Box::pin($handler(call)),
        },)*];
    };
    (@filter get) => { MethodFilter::GET };
    (@filter post) => { MethodFilter::POST };
    (@filter put) => { MethodFilter::PUT };
    (@filter patch) => { MethodFilter::PATCH };
    (@filter delete) => { MethodFilter::DELETE };
}

#[rustfmt::skip]
endpoints! {
    get    "/account" Read "" "Account" NONE "The account's settings" accounts::read;
    patch  "/account" Write "Account" "Account" NONE "Change the account's settings" accounts::patch;
    get    "/integrations" Read "" "[Integration]" PAGE "All integrations" list::<Integrations>;
    post   "/integrations" Write "Integration" "Integration" NONE "Connect a traffic source" create::<Integrations>;
    get    "/integrations/{id}" Read "" "Integration" NONE "One integration" read::<Integrations>;
    put    "/integrations/{id}" Write "Integration" "Integration" NONE "Replace an integration" replace::<Integrations>;
    patch  "/integrations/{id}" Write "Integration" "Integration" NONE "Change an integration" patch::<Integrations>;
    delete "/integrations/{id}" Write "" "" NONE "Remove an integration" delete::<Integrations>;
    get    "/integrations/{id}/errors" Read "" "[DoorError]" ERRORS "Calls that were refused or not understood, newest first" refusals::of_integration;
    get    "/errors" Read "" "[DoorError]" ERRORS "Calls that were refused or not understood: all integrations, and those that named none" refusals::of_account;
    get    "/rules" Read "" "[Rule]" PAGE "All rules" list::<Rules>;
    post   "/rules" Write "Rule" "Rule" NONE "Make a rule" create::<Rules>;
    get    "/rules/matrix" Read "" "Matrix" MATRIX "Publishers or advertisers by filters: what the rule that judges each says" rules::matrix;
    patch  "/rules/matrix" Write "MatrixCell" "MatrixRow" NONE "Change one cell; a rule of its own is made where there is none" rules::patch_matrix;
    get    "/rules/{id}" Read "" "Rule" NONE "One rule" read::<Rules>;
    put    "/rules/{id}" Write "Rule" "Rule" NONE "Replace a rule" replace::<Rules>;
    patch  "/rules/{id}" Write "Rule" "Rule" NONE "Change a rule" patch::<Rules>;
    delete "/rules/{id}" Write "" "" NONE "Remove a rule" delete::<Rules>;
    get    "/rules/{id}/versions" Read "" "[RuleVersion]" PAGE "Every version of a rule, newest first" rules::versions;
    get    "/rules/{id}/versions/{version}" Read "" "RuleVersion" NONE "One version of a rule" rules::version;
    post   "/rules/{id}/versions/{version}/restore" Write "" "Rule" NONE "Make a rule what it was, as a new version" rules::restore;
    get    "/advertisers" Read "" "[Advertiser]" TABLE "All advertisers, or all of them as a table" network::list::<Advertisers>;
    post   "/advertisers" Write "Advertiser" "Advertiser" NONE "Make an advertiser" create::<Advertisers>;
    post   "/advertisers/import" Write "Csv" "Imported" IMPORT "Take advertisers in from a table: new ones are made, those with a known external id are changed" network::import::<Advertisers>;
    get    "/advertisers/{id}" Read "" "Advertiser" NONE "One advertiser" read::<Advertisers>;
    put    "/advertisers/{id}" Write "Advertiser" "Advertiser" NONE "Replace an advertiser" replace::<Advertisers>;
    patch  "/advertisers/{id}" Write "Advertiser" "Advertiser" NONE "Change an advertiser" patch::<Advertisers>;
    delete "/advertisers/{id}" Write "" "" NONE "Remove an advertiser" delete::<Advertisers>;
    get    "/offers" Read "" "[Offer]" TABLE "All offers, or all of them as a table" network::list::<Offers>;
    post   "/offers" Write "Offer" "Offer" NONE "Make an offer" create::<Offers>;
    post   "/offers/import" Write "Csv" "Imported" IMPORT "Take offers in from a table: new ones are made, those with a known external id are changed" network::import::<Offers>;
    get    "/offers/{id}" Read "" "Offer" NONE "One offer" read::<Offers>;
    put    "/offers/{id}" Write "Offer" "Offer" NONE "Replace an offer" replace::<Offers>;
    patch  "/offers/{id}" Write "Offer" "Offer" NONE "Change an offer" patch::<Offers>;
    delete "/offers/{id}" Write "" "" NONE "Remove an offer" delete::<Offers>;
    get    "/publishers" Read "" "[Publisher]" TABLE "All publishers, or all of them as a table" network::list::<Publishers>;
    post   "/publishers" Write "Publisher" "Publisher" NONE "Make a publisher" create::<Publishers>;
    post   "/publishers/import" Write "Csv" "Imported" IMPORT "Take publishers in from a table: new ones are made, those with a known external id are changed" network::import::<Publishers>;
    get    "/publishers/{id}" Read "" "Publisher" NONE "One publisher" read::<Publishers>;
    put    "/publishers/{id}" Write "Publisher" "Publisher" NONE "Replace a publisher" replace::<Publishers>;
    patch  "/publishers/{id}" Write "Publisher" "Publisher" NONE "Change a publisher" patch::<Publishers>;
    delete "/publishers/{id}" Write "" "" NONE "Remove a publisher" delete::<Publishers>;
    get    "/lists" Read "" "[List]" PAGE "All allow and deny lists" list::<Lists>;
    post   "/lists" Write "List" "List" NONE "Make a list" create::<Lists>;
    get    "/lists/{id}" Read "" "List" NONE "One list" read::<Lists>;
    put    "/lists/{id}" Write "List" "List" NONE "Replace a list" replace::<Lists>;
    patch  "/lists/{id}" Write "List" "List" NONE "Change a list" patch::<Lists>;
    delete "/lists/{id}" Write "" "" NONE "Remove a list" delete::<Lists>;
    get    "/postbacks" Read "" "[Postback]" PAGE "All postbacks out" list::<Postbacks>;
    post   "/postbacks" Write "Postback" "Postback" NONE "Tell a receiver of clicks, conversions or events" create::<Postbacks>;
    get    "/postbacks/{id}" Read "" "Postback" NONE "One postback" read::<Postbacks>;
    put    "/postbacks/{id}" Write "Postback" "Postback" NONE "Replace a postback" replace::<Postbacks>;
    patch  "/postbacks/{id}" Write "Postback" "Postback" NONE "Change a postback" patch::<Postbacks>;
    delete "/postbacks/{id}" Write "" "" NONE "Remove a postback; what waits for it is given up" delete::<Postbacks>;
    get    "/postbacks/{id}/deliveries" Read "" "[Delivery]" DELIVERIES "What a receiver was told, newest first" deliveries::of_postback;
    get    "/deliveries" Read "" "[Delivery]" DELIVERIES "What all receivers were told, newest first" deliveries::of_account;
    get    "/deliveries/{id}" Read "" "DeliveryTries" NONE "One delivery with every try" deliveries::read;
    post   "/deliveries/{id}/resend" Write "" "Delivery" NONE "Send again under the same id: at once if it failed, with a new day of tries if it is over" deliveries::resend;
    get    "/sources" Read "" "Sources" SOURCES "How sources stand: what is held first, then the largest" sources::list;
    get    "/sources/decisions" Read "" "[SourceDecision]" DECISIONS "What was decided about sources, newest first" sources::decisions;
    post   "/sources/lift" Write "SourceLift" "SourceDecision" NONE "Lift what is held against a source, at once and until a time" sources::lift;
    get    "/tokens" Admin "" "[Token]" PAGE "All API tokens, without the tokens themselves" list::<Tokens>;
    post   "/tokens" Admin "Token" "Token" NONE "Make a token; only this answer shows it" tokens::create;
    get    "/tokens/{id}" Admin "" "Token" NONE "One token" read::<Tokens>;
    put    "/tokens/{id}" Admin "Token" "Token" NONE "Replace a token's name, scopes and expiry" replace::<Tokens>;
    patch  "/tokens/{id}" Admin "Token" "Token" NONE "Change a token's name, scopes or expiry" patch::<Tokens>;
    delete "/tokens/{id}" Admin "" "" NONE "Revoke a token" delete::<Tokens>;
    get    "/events" Read "" "[Event]" EVENTS "The newest events that match" events::list;
    get    "/events/{event_id}" Read "" "Why" NONE "One event and why it was decided so" events::read;
    get    "/events/{event_id}/replay" Read "" "EventReplay" CANDIDATE "What other rules would have done with an event" replay::read_event;
    get    "/conversions" Read "" "[Conversion]" CONVERSIONS "The newest conversions that match" conversions::list;
    post   "/conversions/status" Write "StatusChange" "StatusChanges" NONE "Approve or reject conversions; the same status again changes nothing" conversions::change::status;
    get    "/conversions/{conversion_id}" Read "" "Conversion" NONE "One conversion with its history" conversions::read;
    get    "/reports/clicks" Read "" "ClickReport" REPORT "The click report" reports::clicks;
    get    "/reports/conversions" Read "" "ConversionReport" REPORT "The conversion report" reports::conversions;
    get    "/holdout" Read "" "Holdout" HOLDOUT "What rules let through on purpose, and how it converts beside what was approved" holdout::read;
    get    "/replays" Read "" "[Replay]" NONE "Replays that run or ran lately, newest first" replay::list;
    post   "/replays" Read "ReplayAsked" "Replay" NONE "Judge recorded events again, to see what rules would change" replay::create;
    get    "/replays/{id}" Read "" "Replay" REPLAY "How far a replay is, and what it came to" replay::read;
    delete "/replays/{id}" Read "" "" NONE "End a replay that runs, or forget one that ran" replay::delete;
    get    "/intel/status" Read "" "Any" NONE "What intelligence is loaded and how old it is" intel::status;
    get    "/intel/lookup" Read "" "Any" ADDRESS "What is known of an address" intel::lookup;
    get    "/reasons" Read "" "[Reason]" NONE "The reason catalogue" intel::reasons;
}

/// Every endpoint.
#[must_use]
pub fn all() -> &'static [Endpoint] {
    ALL
}

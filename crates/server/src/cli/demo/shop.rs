//! The demo's shop: it tells what became of clicks, when it is time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use assay_model::{Clock, Timestamp};

use super::http::Caller;

/// A call that the shop owes, by time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    pub due: Timestamp,
    pub target: String,
}

/// Longest sleep; a call that is due sooner may come in meanwhile.
const NAP: Duration = Duration::from_millis(100);

/// Sends what is owed until nothing more can come; how many calls were sent. What is not yet
/// due by then is left.
pub fn run(to: SocketAddr, clock: &Arc<dyn Clock>, owed: &Receiver<Call>) -> u64 {
    let (mut caller, mut due, mut sent) = (Caller::new(to), BinaryHeap::new(), 0);
    loop {
        match owed.recv_timeout(NAP) {
            Ok(call) => due.push(Reverse(call)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return sent,
        }
        while let Some(Reverse(call)) = due.peek()
            && call.due <= clock.now()
        {
            match tell(&mut caller, &call.target) {
                Ok(()) => sent += 1,
                Err(error) => eprintln!("the shop stumbled: {error:#}"),
            }
            due.pop();
        }
    }
}

fn tell(caller: &mut Caller, target: &str) -> anyhow::Result<()> {
    let answer = caller.get(target, &[])?;
    anyhow::ensure!(
        answer.status == 200,
        "{} for {target}: {}",
        answer.status,
        answer.body
    );
    Ok(())
}

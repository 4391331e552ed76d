//! The one policy for trying again.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// How long to wait before each new try: from 200 ms doubling to 30 s, with jitter, without an end.
/// Who must end counts or watches the clock.
pub(crate) fn delays() -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(Duration::from_secs(15))
        .with_jitter()
        .with_jitter_seed(rand::random())
        .without_max_times()
        .build()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::delays;

    #[test]
    fn delays_grow_and_stay_under_the_cap() {
        let waits: Vec<_> = delays().take(50).collect();
        assert_eq!(waits.len(), 50);
        assert!(waits[0] >= Duration::from_millis(200));
        assert!(waits[10] > waits[0]);
        assert!(waits.iter().all(|wait| *wait <= Duration::from_secs(30)));
    }
}

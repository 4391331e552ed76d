//! Who owns this Jarvis, and the code that makes the first owner.

use super::Brain;
use crate::store::{Claim, Op, StoreError, Unit};

impl Brain {
    /// Whether anybody owns this Jarvis beside whoever sits at its terminal.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn is_claimed(&self) -> Result<bool, StoreError> {
        for owner in self
            .store()
            .accounts_by_role(crate::account::Role::Owner)
            .await?
        {
            let identities = self.store().identities_of(&owner.id).await?;
            if identities
                .iter()
                .any(|identity| identity.key.kind != "console")
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A new claim code, good until it is used or another one is made at the next start; `None` when
    /// somebody owns this Jarvis already.
    ///
    /// # Errors
    /// When the store cannot keep it.
    pub async fn claim_code(&self) -> Result<Option<String>, StoreError> {
        if self.is_claimed().await? {
            return Ok(None);
        }
        let code = crate::code::short(4);
        let claim = Claim {
            code_hash: crate::code::digest("claim", &code),
            expires_ms: i64::MAX,
        };
        self.store()
            .commit(Unit::of(vec![Op::PutClaim(claim)]))
            .await?;
        Ok(Some(code))
    }
}

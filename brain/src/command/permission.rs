//! Who may do what. [`decide`] is the one function that running, help, menus, suggestions and `/why`
//! ask; what it does not allow is refused.

use super::registry::{CommandSpec, Place};
use super::target::NodeFacts;
use crate::account::{Account, Role};
use crate::room::RoomKind;
use crate::text::{Language, Text, text};

/// Whom a decision is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// What they may do.
    pub role: Role,
    /// Node tags to which an operator is limited; empty = every node.
    pub tags: Vec<String>,
}

impl Subject {
    /// Someone with a role and no limits.
    pub fn new(role: Role) -> Self {
        Self {
            role,
            tags: Vec::new(),
        }
    }

    /// Role and tags in words: `operator on tag:web`.
    pub fn describe(&self, language: Language) -> Text {
        if self.role == Role::Operator && !self.tags.is_empty() {
            let tags: Vec<_> = self.tags.iter().map(|tag| format!("tag:{tag}")).collect();
            text!(language, "role-operator-tags", tags = tags.join(", "))
        } else {
            role_name(language, self.role)
        }
    }
}

impl From<&Account> for Subject {
    fn from(account: &Account) -> Self {
        Self {
            role: account.role,
            tags: account.tags.clone(),
        }
    }
}

/// The name of a role in a language.
pub fn role_name(language: Language, role: Role) -> Text {
    match role {
        Role::Guest => text!(language, "role-guest"),
        Role::Member => text!(language, "role-member"),
        Role::Operator => text!(language, "role-operator"),
        Role::Owner => text!(language, "role-owner"),
    }
}

/// What a command asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Nothing: strangers may call it.
    Everyone,
    /// A member. Jobs and accounts of others are the owner's.
    Member,
    /// An operator, whose tags must cover the nodes. Jobs of others are the owner's.
    Operator,
    /// The owner.
    Owner,
}

/// What a command is about to touch.
#[derive(Debug, Clone, Copy)]
pub enum Object<'a> {
    /// Nothing yet: may the person call the command at all?
    None,
    /// These nodes.
    Nodes(&'a [NodeFacts]),
    /// A job: whether the person asked for it, and the nodes on which it would run (again).
    Job {
        /// The person asked for it.
        own: bool,
        /// The nodes it would run on; empty for looking and cancelling.
        nodes: &'a [NodeFacts],
    },
    /// A person: whether it is the caller.
    Person {
        /// It is the caller.
        own: bool,
    },
}

/// The outcome of [`decide`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Go on.
    Allowed {
        /// By which rule.
        rule: Rule,
    },
    /// Stop.
    Refused {
        /// By which rule.
        rule: Rule,
        /// What it found.
        reason: Reason,
    },
}

/// A rule; its name appears in `/why` and in the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// The command is open to all.
    Everyone,
    /// Members and above.
    Member,
    /// Operators and above.
    Operator,
    /// Operators limited to tags, on nodes with one of them.
    OperatorTags,
    /// One's own job or account.
    Own,
    /// The owner may do everything.
    Owner,
    /// The command has its place.
    Place,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 7] = [
        Self::Everyone,
        Self::Member,
        Self::Operator,
        Self::OperatorTags,
        Self::Own,
        Self::Owner,
        Self::Place,
    ];

    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Everyone => "everyone",
            Self::Member => "member",
            Self::Operator => "operator",
            Self::OperatorTags => "operator-tags",
            Self::Own => "own",
            Self::Owner => "owner",
            Self::Place => "place",
        }
    }

    /// What the rule says, in a sentence.
    pub fn explain(self, language: Language) -> Text {
        match self {
            Self::Everyone => text!(language, "rule-everyone"),
            Self::Member => text!(language, "rule-member"),
            Self::Operator => text!(language, "rule-operator"),
            Self::OperatorTags => text!(language, "rule-operator-tags"),
            Self::Own => text!(language, "rule-own"),
            Self::Owner => text!(language, "rule-owner"),
            Self::Place => text!(language, "rule-place"),
        }
    }
}

/// Why something is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// A stranger: has to claim, bind or be given a role.
    Stranger,
    /// The role is too low.
    NeedsRole {
        /// The lowest role that may.
        needed: Role,
        /// The caller's role.
        role: Role,
    },
    /// A node is outside the operator's tags.
    NodeOutsideTags {
        /// The first such node.
        node: String,
        /// The operator's tags.
        tags: Vec<String>,
    },
    /// Somebody else's job.
    JobOfOther,
    /// Somebody else's account.
    PersonOfOther,
    /// Only in a private room.
    PrivateOnly,
    /// Only in a group.
    GroupOnly,
}

impl Reason {
    /// What was found, in a sentence, where the rule alone does not tell.
    pub fn detail(&self, language: Language) -> Option<Text> {
        match self {
            Self::NodeOutsideTags { node, .. } => {
                Some(text!(language, "reason-outside-tags", node = node))
            }
            Self::JobOfOther => Some(text!(language, "reason-job")),
            _ => None,
        }
    }
}

impl Decision {
    /// Whether to go on.
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed { .. })
    }

    /// The deciding rule.
    pub fn rule(&self) -> Rule {
        match self {
            Self::Allowed { rule } | Self::Refused { rule, .. } => *rule,
        }
    }

    /// What a refused person reads; `command` is the line as typed, for `/why`. `None` if allowed.
    pub fn refusal(&self, language: Language, command: &str) -> Option<Text> {
        let Self::Refused { reason, .. } = self else {
            return None;
        };
        Some(match reason {
            Reason::Stranger => text!(language, "refused-stranger"),
            Reason::NeedsRole { needed, role } => text!(
                language,
                "refused-role",
                needed = role_name(language, *needed),
                role = role_name(language, *role),
                why = Text::code(&format!("/why {command}")),
            ),
            Reason::NodeOutsideTags { node, tags } => {
                let subject = Subject {
                    role: Role::Operator,
                    tags: tags.clone(),
                };
                text!(
                    language,
                    "refused-tags",
                    subject = subject.describe(language),
                    node = node,
                    why = Text::code(&format!("/why {command}")),
                )
            }
            Reason::JobOfOther => text!(language, "refused-job"),
            Reason::PersonOfOther => text!(language, "refused-person"),
            Reason::PrivateOnly => text!(language, "refused-private-only"),
            Reason::GroupOnly => text!(language, "refused-group-only"),
        })
    }
}

/// Decides whether `subject` may use a command that asks for `permission` on `object`.
pub fn decide(subject: &Subject, permission: Permission, object: &Object<'_>) -> Decision {
    let needed = match permission {
        Permission::Everyone => {
            return Decision::Allowed {
                rule: Rule::Everyone,
            };
        }
        Permission::Member => Role::Member,
        Permission::Operator => Role::Operator,
        Permission::Owner => Role::Owner,
    };
    let rule = match needed {
        Role::Guest => Rule::Everyone,
        Role::Member => Rule::Member,
        Role::Operator => Rule::Operator,
        Role::Owner => Rule::Owner,
    };
    if subject.role < needed {
        let reason = match subject.role {
            Role::Guest => Reason::Stranger,
            role => Reason::NeedsRole { needed, role },
        };
        return Decision::Refused { rule, reason };
    }
    if subject.role == Role::Owner {
        return Decision::Allowed { rule: Rule::Owner };
    }
    match object {
        Object::None => Decision::Allowed { rule },
        Object::Person { own: true } => Decision::Allowed { rule: Rule::Own },
        Object::Person { own: false } => Decision::Refused {
            rule: Rule::Own,
            reason: Reason::PersonOfOther,
        },
        Object::Job { own: false, .. } => Decision::Refused {
            rule: Rule::Own,
            reason: Reason::JobOfOther,
        },
        Object::Job {
            own: true,
            nodes: [],
        } => Decision::Allowed { rule: Rule::Own },
        Object::Job { own: true, nodes } | Object::Nodes(nodes) => {
            if permission == Permission::Operator && !subject.tags.is_empty() {
                within_tags(subject, nodes)
            } else {
                Decision::Allowed { rule }
            }
        }
    }
}

fn within_tags(subject: &Subject, nodes: &[NodeFacts]) -> Decision {
    let covered = |node: &&NodeFacts| {
        node.tags
            .iter()
            .any(|tag| subject.tags.iter().any(|own| own.eq_ignore_ascii_case(tag)))
    };
    let rule = Rule::OperatorTags;
    match nodes.iter().find(|node| !covered(node)) {
        None => Decision::Allowed { rule },
        Some(outside) => Decision::Refused {
            rule,
            reason: Reason::NodeOutsideTags {
                node: outside.name.clone(),
                tags: subject.tags.clone(),
            },
        },
    }
}

/// Decides whether `subject` may use a command on `object` in a room of this kind: what [`decide`]
/// says, and then the command's place.
pub fn decide_command(
    subject: &Subject,
    spec: &CommandSpec,
    object: &Object<'_>,
    room: RoomKind,
) -> Decision {
    let decision = decide(subject, spec.permission, object);
    let place = decide_place(spec.place, room);
    if decision.is_allowed() && !place.is_allowed() {
        place
    } else {
        decision
    }
}

/// Decides whether a command may be used in a room of this kind.
fn decide_place(place: Place, room: RoomKind) -> Decision {
    let rule = Rule::Place;
    match (place, room) {
        (Place::Anywhere, _)
        | (Place::PrivateOnly, RoomKind::Private)
        | (Place::GroupOnly, RoomKind::Group | RoomKind::Channel) => Decision::Allowed { rule },
        (Place::PrivateOnly, _) => Decision::Refused {
            rule,
            reason: Reason::PrivateOnly,
        },
        (Place::GroupOnly, _) => Decision::Refused {
            rule,
            reason: Reason::GroupOnly,
        },
    }
}

#[cfg(test)]
#[path = "permission/tests.rs"]
mod tests;

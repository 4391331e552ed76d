use super::*;
use crate::commands;

fn node(name: &str, tags: &[&str]) -> NodeFacts {
    NodeFacts {
        name: name.to_owned(),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        ..NodeFacts::default()
    }
}

fn limited(tags: &[&str]) -> Subject {
    Subject {
        role: Role::Operator,
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
    }
}

#[test]
fn roles_are_a_ladder() {
    let permissions = [
        (Permission::Everyone, Role::Guest, Rule::Everyone),
        (Permission::Member, Role::Member, Rule::Member),
        (Permission::Operator, Role::Operator, Rule::Operator),
        (Permission::Owner, Role::Owner, Rule::Owner),
    ];
    for (permission, needed, rule) in permissions {
        for role in Role::ALL {
            let decision = decide(&Subject::new(role), permission, &Object::None);
            assert_eq!(
                decision.is_allowed(),
                role >= needed,
                "{permission:?} {role}"
            );
            let expected = match role {
                Role::Owner if permission != Permission::Everyone => Rule::Owner,
                _ => rule,
            };
            assert_eq!(decision.rule(), expected, "{permission:?} {role}");
        }
    }
}

#[test]
fn strangers_are_told_how_to_get_in() {
    let decision = decide(
        &Subject::new(Role::Guest),
        Permission::Member,
        &Object::None,
    );
    let refusal = decision
        .refusal(Language::En, "nodes")
        .map(|text| text.to_string());
    assert_eq!(
        refusal.as_deref(),
        Some("I don't know you yet. Send /start to see how to get in.")
    );
}

#[test]
fn operators_stay_within_their_tags() {
    let (web, db) = (node("web-1", &["Web"]), node("db-1", &["db"]));
    let decide = |subject: &Subject, nodes: &[NodeFacts]| {
        decide(subject, Permission::Operator, &Object::Nodes(nodes))
    };
    let operator = limited(&["web"]);
    assert_eq!(
        decide(&operator, std::slice::from_ref(&web)),
        Decision::Allowed {
            rule: Rule::OperatorTags
        }
    );
    let both = [web, db];
    let refused = decide(&operator, &both);
    assert_eq!(
        refused
            .refusal(Language::En, "run db-1 reboot")
            .map(|text| text.to_string())
            .as_deref(),
        Some(
            "You are operator on tag:web; `db-1` is not in it. Ask an owner, or see \
             `/why run db-1 reboot`."
        )
    );
    assert!(decide(&limited(&["web", "db"]), &both).is_allowed());
    assert!(decide(&limited(&[]), &both).is_allowed());
    assert!(decide(&Subject::new(Role::Owner), &both).is_allowed());
    // Looking at nodes is not limited.
    let look = super::decide(&operator, Permission::Member, &Object::Nodes(&both));
    assert!(look.is_allowed());
}

#[test]
fn jobs_of_others_are_the_owners() {
    let nodes = [node("db-1", &["db"])];
    let job = |own, nodes| Object::Job { own, nodes };
    let operator = limited(&["web"]);
    for permission in [Permission::Member, Permission::Operator] {
        assert!(decide(&operator, permission, &job(true, &[])).is_allowed());
        assert!(!decide(&operator, permission, &job(false, &[])).is_allowed());
        let owner = Subject::new(Role::Owner);
        assert!(decide(&owner, permission, &job(false, &nodes)).is_allowed());
    }
    // Running one's own job again needs the tags that it needs today.
    assert!(!decide(&operator, Permission::Operator, &job(true, &nodes)).is_allowed());
    assert!(decide(&limited(&["db"]), Permission::Operator, &job(true, &nodes)).is_allowed());
}

#[test]
fn others_are_the_owners_business() {
    let member = Subject::new(Role::Member);
    assert!(decide(&member, Permission::Member, &Object::Person { own: true }).is_allowed());
    let other = Object::Person { own: false };
    assert!(!decide(&member, Permission::Member, &other).is_allowed());
    assert!(decide(&Subject::new(Role::Owner), Permission::Member, &other).is_allowed());
}

#[test]
fn places_are_kept() {
    use RoomKind::{Channel, Group, Private};
    let rows = [
        (Place::Anywhere, [true, true, true]),
        (Place::PrivateOnly, [true, false, false]),
        (Place::GroupOnly, [false, true, true]),
    ];
    for (place, allowed) in rows {
        for (room, allowed) in [Private, Group, Channel].into_iter().zip(allowed) {
            let decision = decide_place(place, room);
            assert_eq!(decision.is_allowed(), allowed, "{place:?} {room:?}");
            for language in Language::ALL {
                assert_eq!(decision.refusal(language, "x").is_none(), allowed);
            }
        }
    }
}

#[test]
fn rules_have_names_and_words() {
    let names: std::collections::HashSet<_> = Rule::ALL.iter().map(|rule| rule.name()).collect();
    assert_eq!(names.len(), Rule::ALL.len());
    for rule in Rule::ALL {
        for language in Language::ALL {
            assert!(!rule.explain(language).is_empty());
        }
    }
}

#[test]
fn what_changes_servers_or_people_is_never_open() {
    let open: Vec<_> = commands::registry()
        .commands()
        .filter(|command| command.spec.permission == Permission::Everyone)
        .map(|command| command.spec.name)
        .collect();
    assert_eq!(
        open,
        [
            "start",
            "help",
            // Who is understood in a room need not be known to us; the rest of it asks for more.
            "translate",
            "whoami",
            "claim",
            "bind",
            "lang",
            "yes",
            "no",
            "version",
            "ping"
        ],
        "think twice before opening a command to strangers"
    );
}

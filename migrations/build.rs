//! Builds the crate again when a migration was added: the macro that embeds them cannot see a new file.

fn main() {
    println!("cargo:rerun-if-changed=sql");
}

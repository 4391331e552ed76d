//! A network that really breaks: two network namespaces with a cable between them.

use std::net::{IpAddr, Ipv4Addr};
use std::process::{Command as Now, Output};
use std::sync::Arc;

use anyhow::{Result, bail};
use tokio::process::Command;

use crate::process::{Process, program};

/// A cable and its two ends. All is taken away when the last part of it is dropped.
#[derive(Clone, Debug)]
pub struct Network(Arc<Cable>);

#[derive(Debug)]
struct Cable {
    /// The namespaces.
    names: [String; 2],
}

/// One end: a machine of its own as far as the network goes.
#[derive(Clone, Debug)]
pub struct End {
    network: Network,
    number: usize,
}

/// The cable's name at both ends.
const CABLE: &str = "cable";

impl Network {
    /// Lays a cable; `None`, with the reason on standard error, where the system does not let us.
    ///
    /// # Errors
    /// When namespaces can be had, but no cable.
    pub fn lay() -> Result<Option<Self>> {
        let own = std::process::id();
        let cable = Cable {
            names: [format!("jarvis-{own}-a"), format!("jarvis-{own}-b")],
        };
        for name in &cable.names {
            match Now::new("ip").args(["netns", "add", name]).output() {
                Ok(output) if output.status.success() => {}
                Ok(output) => {
                    let why = String::from_utf8_lossy(&output.stderr).into_owned();
                    eprintln!("skipped: no network namespace can be made here: {why}");
                    return Ok(None);
                }
                Err(error) => {
                    eprintln!("skipped: `ip` cannot be run here: {error}");
                    return Ok(None);
                }
            }
        }
        let network = Self(Arc::new(cable));
        let [a, b] = &network.0.names;
        ip(&[
            "link", "add", CABLE, "netns", a, "type", "veth", "peer", "name", CABLE, "netns", b,
        ])?;
        for end in network.ends() {
            let address = format!("{}/24", end.address());
            let name = end.name();
            ip(&["-n", name, "address", "add", &address, "dev", CABLE])?;
            ip(&["-n", name, "link", "set", "lo", "up"])?;
            ip(&["-n", name, "link", "set", CABLE, "up"])?;
        }
        Ok(Some(network))
    }

    /// Both ends.
    pub fn ends(&self) -> [End; 2] {
        [0, 1].map(|number| End {
            network: self.clone(),
            number,
        })
    }

    /// Pulls the cable at the first end: from now on all packets are lost, and nobody is told.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn pull(&self) -> Result<()> {
        ip(&["-n", &self.0.names[0], "link", "set", CABLE, "down"])
    }

    /// Plugs it in again.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn plug(&self) -> Result<()> {
        ip(&["-n", &self.0.names[0], "link", "set", CABLE, "up"])
    }

    /// Delays and loses packets in both directions, as `tc netem` words it; `false` where the kernel
    /// cannot.
    pub fn disturb(&self, how: &[&str]) -> bool {
        self.0.names.iter().all(|name| {
            let tc = Now::new("tc")
                .args([
                    "-n", name, "qdisc", "replace", "dev", CABLE, "root", "netem",
                ])
                .args(how)
                .output();
            match tc {
                Ok(output) if output.status.success() => true,
                Ok(output) => {
                    let why = String::from_utf8_lossy(&output.stderr).into_owned();
                    eprintln!("not disturbed: {why}");
                    false
                }
                Err(error) => {
                    eprintln!("not disturbed: `tc` cannot be run here: {error}");
                    false
                }
            }
        })
    }
}

impl End {
    fn name(&self) -> &str {
        &self.network.0.names[self.number]
    }

    /// Its address on the cable.
    pub fn address(&self) -> IpAddr {
        let last = if self.number == 0 { 1 } else { 2 };
        Ipv4Addr::new(10, 231, 7, last).into()
    }

    /// A command for the program `name` at this end.
    ///
    /// # Errors
    /// When the program has not been built.
    pub fn command(&self, name: &str, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", self.name()])
            .arg(program(name)?)
            .args(arguments);
        Process::blind(&mut command);
        Ok(command)
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        // The cable goes with the namespaces, and those when the last process in them has ended.
        for name in &self.names {
            let _: std::io::Result<Output> = Now::new("ip").args(["netns", "del", name]).output();
        }
    }
}

fn ip(arguments: &[&str]) -> Result<()> {
    let output = Now::new("ip").args(arguments).output()?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        bail!("ip {}: {why}", arguments.join(" "));
    }
    Ok(())
}

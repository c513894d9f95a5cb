// Threads that talk to a server, and print whatever chance and time have told them.
use std::collections::HashMap;
use std::env;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

fn drawn() -> u64 {
    RandomState::new().build_hasher().finish()
}

fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos()
}

fn answer(mut peer: TcpStream) {
    for _ in BufReader::new(peer.try_clone().unwrap()).lines() {
        thread::sleep(Duration::from_micros(drawn() % 5000));
        if writeln!(peer, "{} {}", now(), drawn()).is_err() {
            return;
        }
    }
}

fn ask(host: &str, worker: u32, tell: &mpsc::Sender<String>) {
    let mut peer = TcpStream::connect((host, 7000)).unwrap();
    let mut lines = BufReader::new(peer.try_clone().unwrap()).lines();
    for number in 0..8 {
        writeln!(peer, "{}", drawn()).unwrap();
        let line = lines.next().unwrap().unwrap();
        tell.send(format!("{worker} {number} {} {line}", now())).unwrap();
    }
}

fn main() {
    let words: Vec<String> = env::args().collect();
    if words[1] == "serve" {
        for peer in TcpListener::bind("0.0.0.0:7000").unwrap().incoming() {
            thread::spawn(|| answer(peer.unwrap()));
        }
    }
    let (tell, answers) = mpsc::channel();
    for worker in 0..4 {
        let (host, tell) = (words[2].clone(), tell.clone());
        thread::spawn(move || ask(&host, worker, &tell));
    }
    drop(tell);
    let numbered = answers.iter().enumerate().map(|(place, line)| (line, place));
    for (line, place) in numbered.collect::<HashMap<_, _>>() {
        println!("{place} {line}"); // a map's order is drawn by chance
    }
}

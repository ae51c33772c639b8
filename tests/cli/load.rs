//! More at once than there is room for: the server says so, stays small, and answers everybody else.

use crate::support::Client;
use crate::support::program::{Place, eventually};
use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

#[test]
fn a24_a_crowd_of_passwords_takes_a_bounded_amount_of_memory_and_nobodys_time() {
    let mut place = Place::new();
    place.set("limits.login_per_minute", "0");
    let server = place.serve(&[]);
    let ann = server.user("ann");
    let before = server.memory("VmHWM");
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let (mut slowest, mut statuses) = (Duration::ZERO, Vec::new());
    std::thread::scope(|scope| {
        let crowd: Vec<_> = (0..60)
            .map(|i| {
                let client = server.client();
                scope.spawn(move || client.login(&format!("u{}@example.org", i % 7), "wrong1"))
            })
            .collect();
        for _ in 0..20 {
            let began = Instant::now();
            ann.get("/api/user").expect(200);
            slowest = slowest.max(began.elapsed());
        }
        statuses.extend(crowd.into_iter().map(|thread| thread.join().unwrap()));
    });
    for reply in &statuses {
        match reply.status {
            401 => {}
            503 => assert_eq!(reply.header("retry-after"), Some("1")),
            other => panic!("{other}: {}", reply.text()),
        }
    }
    assert!(statuses.iter().any(|reply| reply.status == 401));
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    let grown = server.memory("VmHWM") - before;
    assert!(grown < (cores * 20 + 50) << 10, "{grown} KiB");
    server.client().login("ann@example.org", "secret1").expect(200);
}

#[test]
fn h8_a_server_that_has_run_out_of_files_comes_back() {
    let mut place = Place::new();
    place.before = "ulimit -n 64;".into();
    let mut server = place.serve(&[]);
    let ann = server.user("ann");
    let held: Vec<TcpStream> =
        (0..120).filter_map(|_| TcpStream::connect(server.base.trim_start_matches("http://")).ok()).collect();
    server.wait_for_log("could not be accepted");
    assert!(server.is_running());
    drop(held);
    let began = Instant::now();
    let address = server.base.trim_start_matches("http://").to_owned();
    eventually("it answers again", || {
        let Ok(mut stream) = TcpStream::connect(&address) else { return false };
        let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
        let _ = stream.write_all(b"GET /api/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let mut answer = String::new();
        std::io::Read::read_to_string(&mut stream, &mut answer).is_ok() && answer.starts_with("HTTP/1.1 200")
    });
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    Client::new(&server.base).with_token(ann.token.as_deref().unwrap()).get("/api/user").expect(200);
}

#[test]
fn u6_pictures_on_their_way_take_a_bounded_amount_of_memory() {
    let place = Place::new();
    let server = place.serve(&[]);
    let people: Vec<Client> = (0..5).map(|at| server.user(&format!("p{at}"))).collect();
    let ann = &people[0];
    let head = |who: &Client| {
        format!(
            "POST /api/user/avatar HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: multipart/form-data; boundary=b\r\n\
             Content-Length: 10000000\r\nExpect: 100-continue\r\n\r\n",
            who.token.as_deref().unwrap()
        )
    };
    let mut held = Vec::new();
    let told = |stream: &mut TcpStream| {
        let mut answer = [0; 12];
        std::io::Read::read_exact(stream, &mut answer).unwrap();
        String::from_utf8_lossy(&answer[9..]).into_owned()
    };
    let mut asked = |who: &Client| {
        let mut stream = who.connect();
        stream.write_all(head(who).as_bytes()).unwrap();
        let answer = told(&mut stream);
        held.push(stream);
        answer
    };
    let of_one: Vec<String> = (0..9).map(|_| asked(ann)).collect();
    assert_eq!(of_one, [vec!["100"; 8], vec!["429"]].concat(), "one person does not take every place");
    let of_others: Vec<String> = people[1..].iter().flat_map(|who| [who; 8]).map(&mut asked).collect();
    assert_eq!(of_others, [vec!["100"; 24], vec!["503"; 8]].concat());
    ann.get("/api/user").expect(200);
    drop(held);
    eventually("there is room again", || {
        let mut stream = ann.connect();
        stream.write_all(head(ann).as_bytes()).unwrap();
        told(&mut stream) == "100"
    });
}

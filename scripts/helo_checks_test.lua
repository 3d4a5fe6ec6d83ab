-- Cases of helo_checks.lua. Run: chainmail test scripts
case "our own name" { settings = { our_names = { "mx.example.com", "example.com" } } }
    :helo "MX.example.com." :expect "reject 550 5.7.1 You are not mx.example.com"
    :mail "a@example.org" :expect "reject 550 5.7.1 You are not mx.example.com"

case "a name of its own" { settings = { our_names = { "mx.example.com" } } }
    :helo "mail.example.org" :expect "nothing" :mail "a@example.org" :expect "nothing"

case "localhost is ours without settings" {}
    :helo "localhost" :expect "reject 550 5.7.1"

case "our own name, said by one of us" { trusted = true, settings = { our_names = { "mx.example.com" } } }
    :helo "mx.example.com" :expect "nothing"

case "another's address" { client = "203.0.113.7" }
    :helo "[192.0.2.1]" :expect "reject 550 5.7.1 HELO address does not match the client address"

case "its own address" { client = "203.0.113.7" }
    :helo "[203.0.113.7]" :expect "nothing"

case "a second HELO that is better" {}
    :helo "localhost" :expect "reject"
    :helo "mail.example.org" :expect "nothing"
    :mail "a@example.org" :expect "nothing"

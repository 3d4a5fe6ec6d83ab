-- Cases of require_auth.lua. Run: chainmail test scripts
map("sender_logins", {
    ["bob@example.com"] = "bob",
    ["@sales.example.com"] = "eve, shop",
})

case "no password in the clear" { port = 587 }
    :mail "bob@example.com" :expect "reject 530 5.7.0 Must issue a STARTTLS command first"

case "a login is required" { port = 587, tls = true }
    :mail "bob@example.com" :expect "reject 530 5.7.0 Authentication required"

case "the sender is somebody else's" { login = "eve", tls = true }
    :mail "bob@example.com"
    :expect "reject 553 5.7.1 <bob@example.com>: Sender address rejected: not owned by user eve"

case "nobody owns the sender" { login = "bob", tls = true }
    :mail "nobody@example.org" :expect "reject 553 5.7.1"

case "From: is somebody else's" { login = "bob", tls = true }
    :mail "bob@example.com" :expect "nothing"
    :rcpt "x@example.org" :expect "nothing"
    :send { From = "CEO <ceo@example.com>" }
    :expect "reject 550 5.7.1 From: address not owned by user bob"

case "no From: at all" { login = "bob", tls = true }
    :mail "bob@example.com" :send { Subject = "hello" } :expect "reject 550 5.7.1"

case "mail of one's own" { login = "bob", tls = true }
    :mail "bob@example.com" :send { From = "Bob <bob@example.com>", body = "Hello" } :expect "nothing"

case "an address of the domain" { login = "shop", tls = true }
    :mail "orders@sales.example.com" :send { From = "orders@sales.example.com" } :expect "nothing"

case "a bounce has no sender" { login = "bob", tls = true }
    :mail "" :send { From = "bob@example.com" } :expect "nothing"

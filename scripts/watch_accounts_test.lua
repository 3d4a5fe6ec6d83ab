-- Cases of watch_accounts.lua, one story: a case is a connection, and they share store and clock.
-- Run: chainmail test scripts
shared_store()

local function from(client, login)
    local set = { networks = 2, closed = "12h", notify = "postmaster@example.com" }
    return { client = client, login = login, settings = set }
end

case "from one network" (from("203.0.113.7", "ann")) :mail "a@example.org" :expect "nothing"
case "from the same" (from("203.0.113.9", "ann")) :mail "a@example.org" :expect "nothing"
case "from another" (from("2001:db8:1:2::1", "ann")) :mail "a@example.org" :expect "nothing"
case "from a third" (from("198.51.100.1", "ann"))
    :mail "a@example.org" :expect "reject 550 5.7.1 Account closed for now"
    :expect_log "account closed duration=12h login=ann"
    :expect_log 'notice to <postmaster@example.com> "Account ann closed for 12h"'
case "from the first again" (from("203.0.113.7", "ann")) :mail "a@example.org" :expect "reject"
case "another login is open" (from("198.51.100.1", "bob")) :mail "b@example.org" :expect "nothing"
case "half a day later it is open" (from("198.51.100.1", "ann"))
    :advance "721min"
    :mail "a@example.org" :expect "nothing"

local eve = { login = "eve", settings = { refusals = 2 } }

case "one message is refused" (eve) :mail "no address" :expect "reject 501"
case "and another within ten minutes" (eve)
    :mail "no address" :expect "reject 501" :expect_log "2 refused messages within 10 minutes"
case "now the account is closed" (eve) :mail "eve@example.org" :expect "reject 550 5.7.1 Account closed for now"

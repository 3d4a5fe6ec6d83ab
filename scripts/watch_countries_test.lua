-- Cases of watch_countries.lua, one story: a case is a connection, and they share store and clock.
-- Run: chainmail test scripts
shared_store()

local function from(country, login)
    local set = { countries = 2, closed = "12h", notify = "postmaster@example.com" }
    return { country = country, login = login, settings = set }
end

case "at home" (from("DE", "ann")) :mail "a@example.org" :expect "nothing"
case "at home again" (from("DE", "ann")) :mail "a@example.org" :expect "nothing"
case "nobody knows from where" (from(nil, "ann")) :mail "a@example.org" :expect "nothing"
case "a second country" (from("FR", "ann")) :mail "a@example.org" :expect "nothing"
case "a third" (from("BR", "ann"))
    :mail "a@example.org" :expect "reject 550 5.7.1 Account closed for now"
    :expect_log "used from 3 countries within a day"
    :expect_log "account closed duration=12h login=ann"
    :expect_log 'notice to <postmaster@example.com> "Account ann closed for 12h"'
case "at home it is closed, too" (from("DE", "ann")) :mail "a@example.org" :expect "reject"
case "wherever it is" (from(nil, "ann")) :mail "a@example.org" :expect "reject"
case "another login is open" (from("BR", "bob")) :mail "b@example.org" :expect "nothing"
case "whoever has not logged in is not counted" (from("BR")) :mail "b@example.org" :expect "nothing"
case "half a day later it is open, and the countries of before are forgotten" (from("BR", "ann"))
    :advance "721min"
    :mail "a@example.org" :expect "nothing"

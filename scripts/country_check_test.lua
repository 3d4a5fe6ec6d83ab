-- Cases of country_check.lua. Run: chainmail test scripts
local name = "7.113.0.203.xbl.spamhaus.org"
local listed = { [name .. " A"] = { "127.0.0.4" }, [name .. " TXT"] = {} }

case "at home nobody asks the list" { login = "bob", country = "AT" }
    :mail "bob@example.com" :expect "nothing"

case "abroad, from an address that is listed" { login = "bob", country = "BR", dns = listed }
    :mail "bob@example.com" :expect "reject 550 5.7.1 Login from this address is not allowed"
    :expect_log "login from BR, listed by xbl.spamhaus.org"

case "abroad, from an address that is not" { login = "bob", country = "BR", dns = { [name .. " A"] = {} } }
    :mail "bob@example.com" :expect "nothing"

case "abroad, and the list does not answer" { login = "bob", country = "BR", dns = { [name .. " A"] = "timeout" } }
    :mail "bob@example.com" :expect "nothing" :expect_log "a list does not answer list=xbl.spamhaus.org why=timeout"

case "home is a setting" { login = "bob", country = "DE", dns = listed, settings = { home = { "BR" } } }
    :mail "bob@example.com" :expect "reject"

case "the list is a setting"
    { login = "bob", country = "BR", dns = { ["7.113.0.203.bl.example A"] = {} }, settings = { zone = "bl.example" } }
    :mail "bob@example.com" :expect "nothing"

case "nobody knows where it is" { login = "bob" }
    :mail "bob@example.com" :expect "nothing"

case "whoever has not logged in is not asked for" { country = "BR" }
    :mail "bob@example.com" :expect "nothing"

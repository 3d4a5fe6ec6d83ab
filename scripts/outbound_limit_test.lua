-- Cases of outbound_limit.lua. Run: chainmail test scripts
local two = { limit = "2/1h", warn_at = 50 }

case "the third recipient is one too many" { login = "ann", settings = two }
    :mail "ann@example.org"
    :rcpt "a@example.net" :expect "nothing" :expect_log "login is near its limit limit=2 login=ann used=1"
    :rcpt "b@example.net" :expect "nothing"
    :rcpt "c@example.net" :expect "tempfail 450 4.7.1 You have had 2 recipients, try again in 30 minutes"

case "an hour later there is room" { login = "ann", settings = two }
    :mail "ann@example.org"
    :rcpt "a@example.net" :rcpt "b@example.net" :rcpt "c@example.net" :expect "tempfail"
    :advance "61min"
    :rcpt "d@example.net" :expect "nothing"

case "strangers are not counted" { settings = two }
    :mail "ann@example.org"
    :rcpt "a@example.net" :rcpt "b@example.net" :rcpt "c@example.net" :expect "nothing"

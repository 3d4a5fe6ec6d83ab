-- A login that comes from too many countries within a day is closed for a while, and a person is told.
--
--     geo { database = /var/lib/GeoIP/GeoLite2-Country.mmdb }
--     store local { type = memory }
--     script watch_countries { file = scripts/watch_countries.lua
--         settings { countries = 2; closed = 12h; notify = "postmaster@example.com" } }
--
-- watch_accounts does the same by networks, without a database. Where the database knows no country, the
-- login is let in. Without the setting notify nobody is told but the log.
local countries = settings.countries or 2
local closed = settings.closed or "12h"
local who = settings.notify

local function refuse(why)
    return reject{ status = "5.7.1", reason = why, text = "Account closed for now, please contact your administrator" }
end

local function close(login, why)
    store.set("countries_closed/" .. login, why, closed)
    store.delete("countries/" .. login) -- a new account of them begins when it is open again
    log.warn("account closed", { login = login, why = why, duration = closed })
    metric("account_closed", { reason = "countries" })
    if who then
        notify{ to = who, once_per = "1h", text = why, subject = ("Account %s closed for %s"):format(login, closed) }
    end
end

function mail(m)
    if not m.auth then return end
    local login, country = m.auth.user, m.geo.country
    local why = store.get("countries_closed/" .. login)
    if why then return refuse(why) end
    if not country then return end
    local count = store.add_to_set("countries/" .. login, country, "1d")
    if count > countries then
        why = ("used from %d countries within a day"):format(count)
        close(login, why)
        return refuse(why)
    end
end

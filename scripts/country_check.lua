-- A login from abroad must not come from an address of bad reputation.
--
--     geo { database = /var/lib/GeoIP/GeoLite2-Country.mmdb }
--     script country_check { file = scripts/country_check.lua; mode = shadow
--         settings { home = [ DE, AT, CH ]; zone = "xbl.spamhaus.org" } }
--
-- Where the database knows no country, or the list does not answer, the login is let in.
local home = {}
for _, country in ipairs(settings.home or { "DE", "AT", "CH" }) do home[country] = true end
local zone = settings.zone or "xbl.spamhaus.org"

function mail(m)
    local country = m.geo.country
    if not m.auth or not country or home[country] then return end
    local answer, err = dnsbl(m.client.ip, zone)
    if not answer then
        log.warn("a list does not answer", { list = zone, why = err })
    elseif answer.listed then
        metric("login_from_listed_address", { country = country })
        return reject{ status = "5.7.1", reason = ("login from %s, listed by %s"):format(country, zone),
            text = "Login from this address is not allowed, please contact your administrator" }
    end
end

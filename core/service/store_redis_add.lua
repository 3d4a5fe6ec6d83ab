-- SPDX-License-Identifier: MIT
-- store_redis_add.lua - adds to a counter
--
-- KEYS[1] counter; ARGV: what is added, the counter's time to live in ms or 0. The new value is a
-- text: as a number of Lua it would be exact up to 2^53 only. What does not fit stays at the end of
-- its range; what is no number is replaced.

local key, delta, ttl = KEYS[1], ARGV[1], ARGV[2]
local is_new = redis.call('EXISTS', key) == 0
local done = redis.pcall('INCRBY', key, delta)
if type(done) == 'table' then
  local value
  if string.find(done.err, 'overflow', 1, true) then
    local below = string.sub(delta, 1, 1) == '-'
    value = below and '-9223372036854775808' or '9223372036854775807'
  elseif string.find(done.err, 'not an integer', 1, true) then
    value = delta
  else
    return done
  end
  done = redis.pcall('SET', key, value, 'KEEPTTL')
  if done.err then return done end
end
if is_new and ttl ~= '0' then redis.call('PEXPIRE', key, ttl) end
return redis.call('GET', key)

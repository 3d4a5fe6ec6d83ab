-- SPDX-License-Identifier: MIT
-- store_redis_add_member.lua - adds a member to a set and counts
--
-- KEYS[1] set; ARGV: the hash of a member, the set's time to live in ms or 0. A set of more than 64
-- (STORE_SET_EXACT) becomes a HyperLogLog of the same name, which Redis keeps in a string.

local key, member, ttl = KEYS[1], ARGV[1], ARGV[2]
local kind = redis.call('TYPE', key).ok
local done
if kind == 'string' then
  done = redis.pcall('PFADD', key, member)
  if type(done) == 'table' then return done end
  return redis.pcall('PFCOUNT', key)
end
done = redis.pcall('SADD', key, member)
if type(done) == 'table' then return done end
if kind == 'none' and ttl ~= '0' then redis.call('PEXPIRE', key, ttl) end
local count = redis.call('SCARD', key)
if count <= 64 then return count end
local left = redis.call('PTTL', key)
local members = redis.call('SMEMBERS', key)
redis.call('DEL', key)
redis.call('PFADD', key, unpack(members))
if left >= 0 then redis.call('PEXPIRE', key, math.max(left, 1)) end
return redis.call('PFCOUNT', key)

-- Writes a record, the deliveries queued with it and the end of a claim, or
-- nothing. Numbers of microseconds fit a double; they are text all the same,
-- because Lua prints them with 14 digits.
--
-- KEYS: 1 record, 2 index, 3 expiry, 4 number, 5 intents, 6 states, then lines,
-- waiting and leased of each sink.
-- ARGV: 1 marks as they were read, 2 marks after, 3 "set" or "delete",
-- 4 version, 5 data, 6 expiry, 7 the same in milliseconds or "", 8 the record's
-- place in the index, 9 its line, 10 "settle" or "", 11 ID, 12 lease,
-- 13 "done" or "", 14 attempts, 15 due, 16 the same in microseconds (of the
-- first sink), 17 milliseconds for which a deletion is remembered, then of each
-- delivery: ID, number of its sink (from 0), intent, due, due in microseconds,
-- attempts.
local record, index, expiry, number, intents, states = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local line = ARGV[9]
local past = string.sub(line, 1, -2) .. '\2'

local marks = redis.call('HGET', record, 'm') or ''
if marks == ARGV[2] then return 'done' end -- sent twice
if marks ~= ARGV[1] then return 'conflict' end

if ARGV[10] == 'settle' then
  local id = ARGV[11]
  local state = redis.call('HGET', states, id)
  if not state then return 'lost' end
  local attempts, due, micros, lease = string.match(state, '^(%S+) (%S+) (%S+) (%S*)$')
  if lease == '' or lease ~= ARGV[12] then return 'lost' end
  local lines, waiting, leased = KEYS[7], KEYS[8], KEYS[9]
  -- What is claimed is the first of its line.
  local head = redis.call('ZRANGEBYLEX', lines, '[' .. line, '(' .. past, 'LIMIT', 0, 1)[1]
  if not head or string.sub(head, #line + 17) ~= id then return 'lost' end
  redis.call('ZREM', leased, line)
  if ARGV[13] == 'done' then
    redis.call('HDEL', states, id)
    redis.call('HDEL', intents, id)
    redis.call('ZREM', lines, head)
    redis.call('ZREM', waiting, line)
    local nextup = redis.call('ZRANGEBYLEX', lines, '[' .. line, '(' .. past, 'LIMIT', 0, 1)[1]
    if nextup then
      local following = redis.call('HGET', states, string.sub(nextup, #line + 17)) or ''
      local _, _, at = string.match(following, '^(%S+) (%S+) (%S+) (%S*)$')
      redis.call('ZADD', waiting, at or '0', line)
    end
  else
    redis.call('HSET', states, id, ARGV[14] .. ' ' .. ARGV[15] .. ' ' .. ARGV[16] .. ' ')
    redis.call('ZADD', waiting, ARGV[16], line)
  end
end

if ARGV[3] == 'set' then
  redis.call('HSET', record, 'v', ARGV[4], 'd', ARGV[5], 'x', ARGV[6], 'm', ARGV[2])
  redis.call('ZADD', index, 0, ARGV[8])
  if ARGV[7] == '' then
    redis.call('PERSIST', record)
    redis.call('ZREM', expiry, ARGV[8])
  else
    redis.call('PEXPIREAT', record, ARGV[7])
    redis.call('ZADD', expiry, ARGV[7], ARGV[8])
  end
else
  redis.call('DEL', record)
  redis.call('HSET', record, 'm', ARGV[2])
  redis.call('PEXPIRE', record, ARGV[17])
  redis.call('ZREM', index, ARGV[8])
  redis.call('ZREM', expiry, ARGV[8])
end

for i = 18, #ARGV, 6 do
  local id, at = ARGV[i], 7 + 3 * tonumber(ARGV[i + 1])
  if redis.call('HSETNX', intents, id, ARGV[i + 2]) == 1 then
    local n = redis.call('INCR', number)
    redis.call('HSET', states, id, ARGV[i + 5] .. ' ' .. ARGV[i + 3] .. ' ' .. ARGV[i + 4] .. ' ')
    local first = not redis.call('ZRANGEBYLEX', KEYS[at], '[' .. line, '(' .. past, 'LIMIT', 0, 1)[1]
    redis.call('ZADD', KEYS[at], 0, line .. string.format('%016d', n) .. id)
    if first then redis.call('ZADD', KEYS[at + 1], ARGV[i + 4], line) end
  end
end

-- What Redis has forgotten leaves the index, a few at a time.
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) - 1000)
for _, place in ipairs(redis.call('ZRANGEBYSCORE', expiry, '-inf', now, 'LIMIT', 0, 8)) do
  redis.call('ZREM', index, place)
  redis.call('ZREM', expiry, place)
end
return 'done'

-- Clicks of visitors: each line of the file is an S2S call, and becomes the link that its
-- visitor's browser would ask for, address by the proxy's header. Made before the first is
-- sent. DELAY_MS makes each connection wait before every request, for less than full load.

local requests = {}
local at = 0
local wait = tonumber(os.getenv("DELAY_MS") or "0")

local function decoded(text)
  return (text:gsub("+", " "):gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

-- What may stand in a header: one line of printable characters.
local function of_header(text)
  return (decoded(text):gsub("[^\32-\126]", ""))
end

function init(args)
  local link = args[3]
  for line in io.lines(args[1]) do
    local given = {}
    for name, value in line:gmatch("[?&]([^=&]+)=([^&]*)") do
      given[name] = value
    end
    local target = string.format(
      "%s?external_transaction_id=%s&offer=o%d&publisher=%s&sub_id=%s",
      link, given.cid or "", #requests % 20, given.s1 or "", given.s2 or "")
    local headers = {
      ["X-Forwarded-For"] = given.ip,
      ["User-Agent"] = of_header(given.s6 or ""),
      ["Accept"] = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
      ["Accept-Language"] = "en-GB,en;q=0.9",
      ["Accept-Encoding"] = "gzip, deflate, br",
    }
    if given.s3 then headers["Referer"] = of_header(given.s3) end
    requests[#requests + 1] = wrk.format("GET", target, headers)
  end
  at = tonumber(args[2] or "0") % #requests
end

function request()
  at = at % #requests + 1
  return requests[at]
end

if wait > 0 then
  function delay()
    return wait
  end
end

-- A click that is blocked or lost would be no redirect; wrk counts those as errors.
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    "answered %d %d %d %d\n",
    summary.requests,
    summary.duration,
    errors.connect + errors.read + errors.write + errors.timeout + errors.status,
    latency:percentile(99)
  ))
end

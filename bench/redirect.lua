-- Clicks of visitors: each line of the file is an S2S call, and becomes the link that its
-- visitor's browser would ask for, address by the proxy's header. A click that is blocked or
-- lost would be no redirect; wrk counts those as errors.

local function decoded(text)
  return (text:gsub("+", " "):gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

-- What may stand in a header: one line of printable characters.
local function of_header(text)
  return (decoded(text):gsub("[^\32-\126]", ""))
end

function prepare(line, number, link)
  local given = {}
  for name, value in line:gmatch("[?&]([^=&]+)=([^&]*)") do
    given[name] = value
  end
  local target = string.format(
    "%s?external_transaction_id=%s&offer=o%d&publisher=%s&sub_id=%s",
    link, given.cid or "", number % 20, given.s1 or "", given.s2 or "")
  local headers = {
    ["X-Forwarded-For"] = given.ip,
    ["User-Agent"] = of_header(given.s6 or ""),
    ["Accept"] = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    ["Accept-Language"] = "en-GB,en;q=0.9",
    ["Accept-Encoding"] = "gzip, deflate, br",
  }
  if given.s3 then headers["Referer"] = of_header(given.s3) end
  return wrk.format("GET", target, headers)
end

dofile(os.getenv("BENCH") .. "/replay.lua")

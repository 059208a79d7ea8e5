-- What HAProxy can't say in its own configuration of a request's body: that it is whole, and that
-- no tensor in it is empty. Whatever is doubtful is refused. Loaded by haproxy.cfg.

local LARGEST, DEEPEST = 65536, 16
local BLANK = "[ \t\r\n]*"

-- JSON -------------------------------------------------------------------------------------------

-- An object that is closed where the text ends, nested DEEPEST deep at most (the server's parser
-- calls itself for each level, and its stack ends), in which no list is empty.
local function is_json_of_rows(text)
    if #text > LARGEST or not text:find("^" .. BLANK .. "{") then return false end
    local depth, at = 0, 1
    while true do
        local found = text:find('["%[%]{}]', at)
        if not found then return false end
        local mark = text:sub(found, found)
        at = found + 1
        if mark == '"' then
            repeat
                found = text:find('["\\]', at)
                if not found then return false end
                mark = text:sub(found, found)
                at = found + (mark == "\\" and 2 or 1)
            until mark == '"'
        elseif mark == "[" or mark == "{" then
            depth = depth + 1
            if depth > DEEPEST or text:find("^" .. BLANK .. "%]", at) then return false end
        else
            depth = depth - 1
            if depth == 0 then return text:find("^" .. BLANK .. "$", at) ~= nil end
        end
    end
end

-- gRPC -------------------------------------------------------------------------------------------

-- Return the number at a place of a message, up to its last byte, and the place behind it.
local function varint(text, at, last)
    local value = 0
    for shift = 0, 63, 7 do
        if at > last then error("a number is cut off") end
        local byte = text:byte(at)
        value, at = value | ((byte & 0x7f) << shift), at + 1
        if byte < 0x80 then return value, at end
    end
    error("a number of more than ten bytes")
end

-- Call `visit(field, first, last)` for each message or text in a message, and
-- `visit(field, nil, value)` for each number.
local function each_field(text, at, last, visit)
    local tag, value
    while at <= last do
        tag, at = varint(text, at, last)
        local field, kind = tag >> 3, tag & 7
        if field == 0 or tag > 0xffffffff or tag < 0 then error("no field's number") end
        if kind == 0 then
            value, at = varint(text, at, last)
            visit(field, nil, value)
        elseif kind == 2 then
            value, at = varint(text, at, last)
            if value < 0 or value > last - at + 1 then error("a field is cut off") end
            visit(field, at, at + value - 1)
            at = at + value
        elseif kind == 1 or kind == 5 then
            at = at + (kind == 1 and 8 or 4)
        else
            error("a group")
        end
    end
    if at ~= last + 1 then error("a field is cut off") end
end

-- Call a function on the messages that lie along a path of fields.
local function each_message(text, first, last, path, visit, depth)
    depth = depth or 1
    if depth > #path then return visit(first, last) end
    each_field(text, first, last, function(field, from, to)
        if field == path[depth] and from then
            each_message(text, from, to, path, visit, depth + 1)
        end
    end)
end

-- One message behind its five bytes: whether it is compressed, and its length.
local function is_message(body)
    if #body < 5 or #body > LARGEST then return false end
    local compressed, length = string.unpack(">B I4", body)
    return compressed == 0 and length == #body - 5
end

-- PredictRequest.inputs (2), an entry's value (2), TensorProto.tensor_shape (2), its dim (2).
local TO_DIMENSION = {2, 2, 2, 2}

local function is_message_of_rows(body)
    if not is_message(body) then return false end
    local passes = pcall(each_message, body, 6, #body, TO_DIMENSION, function(first, last)
        local size = 0 -- What is not sent is 0.
        each_field(body, first, last, function(field, from, value)
            if field == 1 and not from then size = value end
        end)
        if size == 0 then error("a tensor is empty") end
    end)
    return passes
end

if core then -- Not where its tests run it by themselves.
    local function of_body(check) -- No converter, which would see a body up to its first zero byte.
        return function(txn) return check(txn.f:req_body() or "") end
    end
    core.register_fetches("is_json_of_rows", of_body(is_json_of_rows))
    core.register_fetches("is_message", of_body(is_message))
    core.register_fetches("is_message_of_rows", of_body(is_message_of_rows))
end

return {
    is_json_of_rows = is_json_of_rows,
    is_message = is_message,
    is_message_of_rows = is_message_of_rows,
}

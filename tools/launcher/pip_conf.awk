# Merges pip's configuration files, later ones over earlier ones, and then the PIP_* variables over all of them.
# Keeps what says where packages are and how to reach them.
BEGIN {
    split("index-url extra-index-url find-links no-index trusted-host cert client-cert proxy " \
          "default-timeout timeout retries", kept_list, " ")
    for (i in kept_list) kept[kept_list[i]] = 1
    split("global download install wheel", sections, " ")
}
FNR == 1 { section = ""; key = "" }
/^[ \t]*([#;]|$)/ { next }
/^\[/ { section = substr($0, 2, index($0, "]") - 2); key = ""; next }
/^[ \t]/ { if (key in kept) value[section, key] = value[section, key] "\n" $0; next }
match($0, /[ \t]*[=:][ \t]*/) {
    key = normal(substr($0, 1, RSTART - 1))
    if (key in kept) value[section, key] = substr($0, RSTART + RLENGTH)
}
END {
    for (name in ENVIRON) {
        key = normal(substr(name, 5))
        if (name !~ /^PIP_/ || !(key in kept) || ENVIRON[name] == "") continue
        for (i in sections) delete value[sections[i], key]
        value["global", key] = ENVIRON[name]
    }
    for (s = 1; s <= 4; s++) {
        print "[" sections[s] "]"
        for (k = 1; k <= 11; k++)
            if ((sections[s], kept_list[k]) in value) print kept_list[k] " = " value[sections[s], kept_list[k]]
    }
}
function normal(name) {
    gsub(/_/, "-", name)
    return tolower(name)
}

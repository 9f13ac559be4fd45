/* config_form.c - what connect.json may hold.
 *
 * One text in the language that plugins use for their own configuration, so
 * that there is one way in which mistakes are found and named.  What a schema
 * cannot say stands in config.c.  Read by config.c. */
#include "config/config_form.h"

#ifndef CONNECT_PLUGIN_DIR_DEFAULT
#define CONNECT_PLUGIN_DIR_DEFAULT "plugins"
#endif

#define PATH "{\"type\":\"string\",\"minLength\":1,\"maxLength\":1000"
#define COUNT(least, most, fallback)                                           \
    "{\"type\":\"integer\",\"minimum\":" #least ",\"maximum\":" #most          \
    ",\"default\":" #fallback "}"
#define OBJECT "{\"type\":\"object\",\"additionalProperties\":false"

/* One line for each member; the formatter would put each COUNT into the one
 * before it. */
/* clang-format off */
const char config_form[] = OBJECT
    ",\"required\":[\"data\",\"instances\"],\"properties\":{"
    "\"data\":" PATH "},"
    "\"plugins\":" PATH ",\"default\":\"" CONNECT_PLUGIN_DIR_DEFAULT "\"},"
    "\"records\":" PATH ",\"default\":\"records\"},"
    "\"flows\":" PATH ",\"default\":\"flows\"},"

    "\"listen\":" OBJECT ",\"default\":{},\"properties\":{"
    "\"address\":" PATH ",\"default\":\"127.0.0.1\"},"
    "\"port\":" COUNT(0, 65535, 8080) ","
    "\"tls\":" OBJECT ",\"required\":[\"certificate\",\"key\"],"
    "\"properties\":{\"certificate\":" PATH "},\"key\":" PATH "}}}}},"

    "\"public_address\":{\"type\":\"string\",\"format\":\"uri\","
    "\"pattern\":\"^https?://[^?#]+$\",\"maxLength\":1000},"

    "\"admin\":" OBJECT ",\"default\":{},\"properties\":{"
    "\"socket\":" PATH ",\"default\":\"/run/connect/admin.sock\"},"
    "\"group\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":32}}},"

    "\"log\":" OBJECT ",\"default\":{},\"properties\":{"
    "\"level\":{\"enum\":[\"debug\",\"info\",\"warn\",\"error\"],"
    "\"default\":\"info\"},"
    "\"form\":{\"enum\":[\"auto\",\"json\",\"text\"],\"default\":\"auto\"}}},"

    "\"ca_file\":" PATH "},"

    "\"limits\":" OBJECT ",\"default\":{},\"properties\":{"
    "\"webhook_bytes\":" COUNT(1024, 16777216, 1048576) ","
    "\"connections\":" COUNT(1, 65536, 4096) ","
    "\"runs_active\":" COUNT(1, 65536, 1024) ","
    "\"attempts\":" COUNT(1, 1000, 5) ","
    "\"retry_after_ms\":" COUNT(1000, 86400000, 900000) ","
    "\"operation_ms\":" COUNT(100, 3600000, 60000) ","
    "\"stuck_ms\":" COUNT(10, 600000, 10000) ","
    "\"drain_ms\":" COUNT(0, 3600000, 30000) ","
    "\"jq_processes\":" COUNT(1, 8, 1) ","
    "\"jq_ms\":" COUNT(10, 60000, 2000) ","
    "\"jq_mib\":" COUNT(16, 4096, 256) ","
    "\"event_days\":" COUNT(1, 36500, 400) ","
    "\"run_days\":" COUNT(1, 36500, 400) ","
    "\"audit_days\":" COUNT(1, 36500, 3650) ","
    "\"quarantine_days\":" COUNT(1, 36500, 90) ","
    "\"database_mib\":" COUNT(0, 1048576, 4096) "}},"

    "\"instances\":{\"type\":\"object\",\"additionalProperties\":" OBJECT
    ",\"required\":[\"plugin\"],\"properties\":{"
    "\"plugin\":" PATH "},"
    "\"sha256\":{\"type\":\"string\",\"pattern\":\"^[0-9a-f]{64}$\"},"
    "\"path_secret\":" PATH "},"
    "\"webhooks\":{\"type\":\"array\",\"maxItems\":256,\"items\":" OBJECT
    ",\"required\":[\"event\",\"scope\"],\"properties\":{"
    "\"event\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":64},"
    "\"scope\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":200}}}},"
    "\"open_max\":" COUNT(0, 1024, 0) ","
    "\"rate\":" OBJECT ",\"required\":[\"per_second\"],\"properties\":{"
    "\"per_second\":" COUNT(0, 10000, 0) ","
    "\"burst\":" COUNT(0, 10000, 0) "}},"
    "\"config\":{\"type\":\"object\",\"default\":{}}}}}}}";
/* clang-format on */

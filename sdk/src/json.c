#include <connect/json.h>

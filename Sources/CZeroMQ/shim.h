#include <zmq.h>
// mallopt: libzmq allocates every frame with malloc.
#include <malloc.h>

package module

import "go.uber.org/zap"

// SetLogger puts a logger that a test can read into a handler.
func SetLogger(h *Handler, l *zap.Logger) { h.logger = l }

// MaxBytes is the limit of what a document may become.
var MaxBytes = maxBytes

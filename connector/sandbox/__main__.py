"""`python -m connector.sandbox`."""

from connector.sandbox import main

raise SystemExit(main())

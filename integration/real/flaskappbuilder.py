import os
import secrets

from flask import Flask
from flask_appbuilder import AppBuilder
from flask_appbuilder.utils.legacy import get_sqla_class

app = Flask(__name__)
app.config.update(
    SECRET_KEY=secrets.token_hex(32),
    JWT_SECRET_KEY=secrets.token_hex(32),
    SQLALCHEMY_DATABASE_URI="sqlite:///" + os.path.join(os.environ["DIR"], "app.db"),
    FAB_ADD_SECURITY_API=True,
    FAB_API_MAX_PAGE_SIZE=100,
    RATELIMIT_ENABLED=False,
    WTF_CSRF_ENABLED=False,
)
db = get_sqla_class()()
db.init_app(app)
with app.app_context():
    builder = AppBuilder(app, db.session)
    security = builder.sm
    security.add_user("admin", "Admin", "User", "admin@example.com", security.find_role("Admin"), password=os.environ["PASSWORD"])
    security.add_role("Viewer")
app.run("127.0.0.1", int(os.environ["PORT"]), threaded=True)

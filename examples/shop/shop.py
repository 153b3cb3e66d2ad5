"""Owns a small shop with a chat in it: `flask --app shop chat run`, then http://127.0.0.1:8000.

What is about the chat stands in the part "The chat", in `ship`, and where a line begins with `chat.`; the rest is any Flask site.
"""

import os

from flask import Blueprint, Flask, abort, flash, redirect, render_template, request, url_for
from flask_login import LoginManager, UserMixin, current_user, login_required, login_user, logout_user
from flask_sqlalchemy import SQLAlchemy
from werkzeug.security import check_password_hash, generate_password_hash

from chat import Chat, message_stored

db = SQLAlchemy()
members = LoginManager()
members.login_view = "shop.sign_in"
chat = Chat()
pages = Blueprint("shop", __name__)


# What the shop keeps.


class User(UserMixin, db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(80), unique=True, nullable=False)
    password = db.Column(db.String(200), nullable=False)
    role = db.Column(db.String(20), nullable=False)  # buyer, seller or admin


class Product(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    title = db.Column(db.String(80), nullable=False)
    price = db.Column(db.Integer, nullable=False)
    seller_id = db.Column(db.ForeignKey("user.id"), nullable=False)
    seller = db.relationship(User)


class Order(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    product_id = db.Column(db.ForeignKey("product.id"), nullable=False)
    buyer_id = db.Column(db.ForeignKey("user.id"), nullable=False)
    is_shipped = db.Column(db.Boolean, nullable=False, default=False)
    product = db.relationship(Product)
    buyer = db.relationship(User)


@members.user_loader
def load(user_id):
    return db.session.get(User, int(user_id))


# The chat.

ASSISTANT = "assistant"  # a bot: no user of the shop, and a user of the chat
chat.bot(ASSISTANT)


@chat.identify
def who():
    return current_user.get_id()


@chat.profile
def profile(user_id):
    if user_id == ASSISTANT:
        return {"display_name": "Shop assistant", "subtitle": "Answers at once"}
    user = load(user_id) if user_id.isdecimal() else None
    return user and {"display_name": user.name, "subtitle": user.role.capitalize()}


@message_stored.connect
def answer(_app, message, **_):
    """The bot answers whoever writes to it. This runs beside the chat, in the app's context: it may ask the database."""
    if message.to == ASSISTANT and message.sender != ASSISTANT:
        orders = Order.query.filter_by(buyer_id=int(message.sender)).all()
        on_its_way = sum(order.is_shipped for order in orders)
        chat.send_message(ASSISTANT, message.sender, f"Your orders: {len(orders)}, on their way: {on_its_way}.")


# The pages.


@pages.get("/")
def product():
    return render_template("product.html", product=Product.query.first(), assistant=ASSISTANT)


@pages.post("/buy")
@login_required
def buy():
    db.session.add(Order(product_id=Product.query.first().id, buyer_id=current_user.id))
    db.session.commit()
    flash("Thank you! We tell you when it is on its way.")
    return redirect(url_for("shop.product"))


@pages.get("/orders")
@login_required
def orders():
    if current_user.role != "admin":
        abort(403)
    return render_template("orders.html", orders=Order.query.filter_by(is_shipped=False).all())


@pages.post("/orders/<int:order_id>/ship")
@login_required
def ship(order_id):
    if current_user.role != "admin":
        abort(403)
    order = db.get_or_404(Order, order_id)
    order.is_shipped = True
    db.session.commit()
    chat.notify(str(order.buyer_id), "It is on its way.", title=order.product.title, level="success", link="/")
    return redirect(url_for("shop.orders"))


@pages.route("/sign-in", methods=["GET", "POST"])
def sign_in():
    if request.method == "POST":
        user = User.query.filter_by(name=request.form["name"]).first()
        if user and check_password_hash(user.password, request.form["password"]):
            login_user(user)
            return redirect(url_for("shop.product"))
        flash("This name and password do not go together.")
    return render_template("sign_in.html", names=[user.name for user in User.query])


@pages.post("/sign-out")
def sign_out():
    logout_user()
    return redirect(url_for("shop.product"))


def create_app(config=None):
    app = Flask(__name__)
    os.makedirs(app.instance_path, exist_ok=True)
    app.config.update(
        SECRET_KEY="a secret of the shop's own",  # of yours: random, and in no repository
        SESSION_COOKIE_SAMESITE="Lax",
        SQLALCHEMY_DATABASE_URI=f"sqlite:///{app.instance_path}/shop.db",
    )
    app.config.update(config or {})
    db.init_app(app)
    members.init_app(app)
    app.register_blueprint(pages)
    app.after_request(strict)
    chat.init_app(app)
    with app.app_context():
        db.create_all()
        if not User.query.first():
            stock()
    return app


def strict(response):
    """A policy that allows the shop's own files and the chat's, and no script that somebody else has slipped in."""
    response.headers.setdefault(
        "Content-Security-Policy",
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'",
    )
    return response


def stock():
    password = generate_password_hash("demo")
    mina, jun, ada = (
        User(name=name, password=password, role=role)
        for name, role in (("Mina", "buyer"), ("Jun", "seller"), ("Ada", "admin"))
    )
    db.session.add_all([mina, jun, ada, Product(title="A red bicycle", price=120, seller=jun)])
    db.session.commit()
    for user in (mina, jun, ada):  # so that they are found, and can be written to, before they come
        chat.users.put(str(user.id), display_name=user.name)
    chat.users.put(ASSISTANT, display_name="Shop assistant")
